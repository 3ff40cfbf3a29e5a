#include "textflag.h"
#include "funcdata.h"

// func asmAdd(a, b int) int
TEXT ·asmAdd(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	ADDQ b+8(FP), AX
	MOVQ AX, ret+16(FP)
	RET

// func asmJump(a, b int) int
TEXT ·asmJump(SB), NOSPLIT, $0-24
	NOP
	JMP ·asmTarget(SB)

// func asmTarget(a, b int) int
TEXT ·asmTarget(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	IMULQ b+8(FP), AX
	MOVQ AX, ret+16(FP)
	RET

// func asmCall(record *rec.G)
TEXT ·asmCall(SB), 0, $16-8
	NO_LOCAL_POINTERS
	MOVQ record+0(FP), AX
	MOVQ AX, 0(SP)
	CALL ·calledFromAssembly(SB)
	RET
