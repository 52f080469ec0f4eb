// The process every pod sandbox starts with: see pause.x86_64.S, this is the same for 64-bit ARM.
    .globl _start
    .text
_start:
    movz    x9, #0x4002
    movk    x9, #1, lsl #16         // the set {SIGINT 2, SIGTERM 15, SIGCHLD 17}
    str     x9, [sp, #-16]!
    mov     x0, #0                  // SIG_BLOCK
    mov     x1, sp
    mov     x2, #0
    mov     x3, #8
    mov     x8, #135                // rt_sigprocmask
    svc     #0
wait:
    mov     x0, sp
    mov     x1, #0
    mov     x2, #0
    mov     x3, #8
    mov     x8, #137                // rt_sigtimedwait
    svc     #0
    cmp     x0, #17
    b.eq    reap
    cmp     x0, #2
    b.eq    leave
    cmp     x0, #15
    b.ne    wait
leave:
    mov     x0, #0
    mov     x8, #94                 // exit_group
    svc     #0
reap:
    mov     x0, #-1
    mov     x1, #0
    mov     x2, #1                  // WNOHANG
    mov     x3, #0
    mov     x8, #260                // wait4
    svc     #0
    cmp     x0, #0
    b.gt    reap
    b       wait
