#include "textflag.h"

TEXT ·jump(SB), NOSPLIT, $0-0
	JMP ·landing(SB)

TEXT ·leave(SB), NOSPLIT, $0-0
	XORL AX, AX
	JMP ·landing(SB)

TEXT ·landing(SB), NOSPLIT, $0-0
	RET
