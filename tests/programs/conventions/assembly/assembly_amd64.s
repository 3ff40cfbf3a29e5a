#include "textflag.h"

TEXT ·Add(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	ADDQ b+8(FP), AX
	MOVQ AX, ret+16(FP)
	RET

TEXT ·Float(SB), NOSPLIT, $0-24
	MOVSD a+0(FP), X0
	CVTSL2SD n+8(FP), X1
	ADDSD X1, X0
	MOVSD X0, ret+16(FP)
	RET

TEXT ·Length(SB), NOSPLIT, $0-49
	MOVQ s_len+8(FP), AX
	ADDQ b_len+24(FP), AX
	MOVQ AX, n+40(FP)
	MOVB $1, ok+48(FP)
	RET

TEXT ·Narrow(SB), NOSPLIT, $0-32
	MOVBQSX a+0(FP), AX
	ADDQ b+8(FP), AX
	MOVWQZX c+16(FP), CX
	ADDQ CX, AX
	MOVQ AX, ret+24(FP)
	RET

TEXT ·Through(SB), 0, $16-16
	MOVQ a+0(FP), AX
	MOVQ AX, 0(SP)
	CALL ·called(SB)
	MOVQ 8(SP), AX
	MOVQ AX, ret+8(FP)
	RET
