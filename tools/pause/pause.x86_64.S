# The process every pod sandbox starts with: holds the pod's namespaces open, reaps what is orphaned to it
# (shareProcessNamespace makes it PID 1 of the whole pod), and leaves at once on SIGTERM or SIGINT.
# Position independent, no data, no stack but the signal set: src/Host/Images/PauseImage.cs wraps it in an ELF header.
    .globl _start
    .text
_start:
    pushq   $0x14002                # the set {SIGINT 2, SIGTERM 15, SIGCHLD 17}, one bit each from bit 0 = signal 1
    movq    %rsp, %rbx
    movq    %rbx, %rsi
    xorl    %edi, %edi              # SIG_BLOCK: a blocked signal is queued, even for PID 1 with default actions
    xorl    %edx, %edx
    pushq   $8
    popq    %r10                    # bytes in a signal set
    movl    $14, %eax               # rt_sigprocmask
    syscall
wait:
    movq    %rbx, %rdi
    xorl    %esi, %esi
    xorl    %edx, %edx              # no timeout
    pushq   $8
    popq    %r10
    movl    $128, %eax              # rt_sigtimedwait
    syscall
    cmpl    $17, %eax
    je      reap
    cmpl    $2, %eax
    je      leave
    cmpl    $15, %eax
    jne     wait                    # interrupted: wait again
leave:
    xorl    %edi, %edi
    movl    $231, %eax              # exit_group
    syscall
reap:
    pushq   $-1
    popq    %rdi                    # any child
    xorl    %esi, %esi
    movl    $1, %edx                # WNOHANG
    xorl    %r10d, %r10d
    movl    $61, %eax               # wait4
    syscall
    testl   %eax, %eax
    jg      reap                    # SIGCHLD is not counted: one may stand for many
    jmp     wait
