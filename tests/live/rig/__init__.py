# SPDX-License-Identifier: BSD-2-Clause
"""What live tests share: a TLS model server that knows every byte, interpreters, bottrace runs, checks that count."""
