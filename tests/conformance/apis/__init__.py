# SPDX-License-Identifier: BSD-2-Clause
"""What model servers' APIs say, read by the plainest means from their documentation; shares nothing with the decoders.

Each API is an object with
    kind, operation, default        of its spans, and of a host that nobody knows
    model(path, asked), streamed(path, asked), params(asked), input(asked), system(asked), tools(asked)
    whole(body, headers), stream(events, headers)    an answer: dict of id, model, answers, usage, tier, fingerprint, error
`asked` is the request's JSON ({} when there is none); events are (name, data) pairs.
"""
