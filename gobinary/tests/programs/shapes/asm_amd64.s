#include "textflag.h"

// func Add(a, b int) int
TEXT ·Add(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	ADDQ b+8(FP), AX
	MOVQ AX, ret+16(FP)
	RET

// The first instruction is jumped back to.
// func LoopAtEntry()
TEXT ·LoopAtEntry(SB), NOSPLIT, $0-0
again:
	DECQ AX
	JNZ  again
	RET

// func JumpOnly(a, b int) int
TEXT ·JumpOnly(SB), NOSPLIT, $0-24
	JMP ·Add(SB)

// func JumpLast(a, b int) int
TEXT ·JumpLast(SB), NOSPLIT, $0-24
	XORL CX, CX
	TESTL CX, CX
	JZ   tail
	RET

tail:
	JMP ·Add(SB)

// func JumpThroughRegister()
TEXT ·JumpThroughRegister(SB), NOSPLIT, $0-0
	XORL CX, CX
	JMP  DX

// func FallsThrough()
TEXT ·FallsThrough(SB), NOSPLIT, $0-0
	XORL AX, AX

// func Breakpoint()
TEXT ·Breakpoint(SB), NOSPLIT, $0-0
	INT $3
	RET

// func Locked()
TEXT ·Locked(SB), NOSPLIT, $0-0
	LOCK
	INCQ (AX)
	RET

// func UsesR14()
TEXT ·UsesR14(SB), NOSPLIT, $0-0
	XORL R14, R14
	RET

// The stack check of assembly loads g itself.
// func Framed()
TEXT ·Framed(SB), 0, $256-0
	MOVQ $0, x-8(SP)
	CALL ·UsesR14(SB)
	RET
