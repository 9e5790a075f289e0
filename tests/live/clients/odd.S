/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A libssl of obfuscated and unusual code that hands everything on to the real one, whose functions the program puts
 * into `real` (odd_set). Each begins in a way of its own: a hot-patched jump, a five-byte nop, a jump over bytes that
 * are no code, a call for the address, a trap in the straight way that is never reached.
 */
	.text
	.macro begin name
	.globl	\name
	.type	\name, @function
	.balign	16
\name:
	.endm

	/* mov edi,edi; jmp: what a hot patch leaves behind */
begin SSL_read
	mov	%edi, %edi
	jmp	1f
	.byte	0x48, 0x8d, 0x64
1:	mov	%rdi, %rdi
	jmp	*real+0(%rip)
	.size	SSL_read, . - SSL_read

	/* nopl 0(%rax,%rax): rewritten by newer kernels */
begin SSL_read_ex
	.byte	0x0f, 0x1f, 0x44, 0x00, 0x00
	sub	$8, %rsp
	call	*real+8(%rip)
	add	$8, %rsp
	ret
	.size	SSL_read_ex, . - SSL_read_ex

	/* an opaque condition, and bytes behind it that decode to something else */
begin SSL_write
	xor	%eax, %eax
	jz	2f
	.byte	0xe8, 0xff, 0xff
2:	push	%rbx
	push	%rbx
	mov	real+16(%rip), %rax
	lea	3f(%rip), %rbx
	xchg	%rbx, (%rsp)
	jmp	*%rax
	.byte	0x0f, 0x0b
3:	add	$0, %rsp
	pop	%rbx
	ret
	.size	SSL_write, . - SSL_write

	/* comes back into its own prologue */
begin SSL_write_ex
	mov	%rdi, %rdi
4:	push	%rbx
	mov	%rdi, %rbx
	test	%rbx, %rbx
	pop	%rbx
	jz	4b
	jmp	*real+24(%rip)
	.size	SSL_write_ex, . - SSL_write_ex

begin odd_set
	mov	%rsi, %rax
	lea	real(%rip), %rdx
	mov	%rax, (%rdx,%rdi,8)
	ret
	.size	odd_set, . - odd_set

	.local	real
	.comm	real, 64, 8
	/* no file of code is smaller */
	.section .rodata
	.zero	200000
	.section .note.GNU-stack, "", @progbits
