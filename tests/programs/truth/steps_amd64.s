#include "textflag.h"

// Each function begins with an instruction that a probe may have to carry out itself, and keeps the flags in R13. Its twin in "plain" is
// never probed: what they leave behind has to be the same.

#define FLAGS PUSHFQ; POPQ R13; RET

DATA stepData<>+0(SB)/8, $0x1122334455667788
GLOBL stepData<>(SB), NOPTR, $8

TEXT ·stepLoad8(SB), NOSPLIT|NOFRAME, $0
	MOVQ (AX), CX
	FLAGS

TEXT plain·stepLoad8(SB), NOSPLIT|NOFRAME, $0
	MOVQ (AX), CX
	FLAGS

TEXT ·stepLoad8At(SB), NOSPLIT|NOFRAME, $0
	MOVQ 16(AX), AX
	FLAGS

TEXT plain·stepLoad8At(SB), NOSPLIT|NOFRAME, $0
	MOVQ 16(AX), AX
	FLAGS

TEXT ·stepLoad4(SB), NOSPLIT|NOFRAME, $0
	MOVL 4(AX), CX
	FLAGS

TEXT plain·stepLoad4(SB), NOSPLIT|NOFRAME, $0
	MOVL 4(AX), CX
	FLAGS

TEXT ·stepLoad2(SB), NOSPLIT|NOFRAME, $0
	MOVWLZX 2(AX), CX
	FLAGS

TEXT plain·stepLoad2(SB), NOSPLIT|NOFRAME, $0
	MOVWLZX 2(AX), CX
	FLAGS

TEXT ·stepLoad1(SB), NOSPLIT|NOFRAME, $0
	MOVBLZX 1(AX), CX
	FLAGS

TEXT plain·stepLoad1(SB), NOSPLIT|NOFRAME, $0
	MOVBLZX 1(AX), CX
	FLAGS

TEXT ·stepGlobal(SB), NOSPLIT|NOFRAME, $0
	MOVQ stepData<>(SB), CX
	FLAGS

TEXT plain·stepGlobal(SB), NOSPLIT|NOFRAME, $0
	MOVQ stepData<>(SB), CX
	FLAGS

TEXT ·stepStack(SB), NOSPLIT|NOFRAME, $0
	MOVQ 0(SP), CX
	FLAGS

TEXT plain·stepStack(SB), NOSPLIT|NOFRAME, $0
	MOVQ 0(SP), CX
	FLAGS

TEXT ·stepMove8(SB), NOSPLIT|NOFRAME, $0
	MOVQ BX, CX
	FLAGS

TEXT plain·stepMove8(SB), NOSPLIT|NOFRAME, $0
	MOVQ BX, CX
	FLAGS

TEXT ·stepMove4(SB), NOSPLIT|NOFRAME, $0
	MOVL BX, CX
	FLAGS

TEXT plain·stepMove4(SB), NOSPLIT|NOFRAME, $0
	MOVL BX, CX
	FLAGS

TEXT ·stepSet4(SB), NOSPLIT|NOFRAME, $0
	MOVL $0xfffffffb, CX
	FLAGS

TEXT plain·stepSet4(SB), NOSPLIT|NOFRAME, $0
	MOVL $0xfffffffb, CX
	FLAGS

TEXT ·stepSet8(SB), NOSPLIT|NOFRAME, $0
	MOVQ $-7, CX
	FLAGS

TEXT plain·stepSet8(SB), NOSPLIT|NOFRAME, $0
	MOVQ $-7, CX
	FLAGS

TEXT ·stepLea(SB), NOSPLIT|NOFRAME, $0
	LEAQ -1(BX), CX
	FLAGS

TEXT plain·stepLea(SB), NOSPLIT|NOFRAME, $0
	LEAQ -1(BX), CX
	FLAGS

TEXT ·stepLeaGlobal(SB), NOSPLIT|NOFRAME, $0
	LEAQ stepData<>(SB), CX
	FLAGS

TEXT plain·stepLeaGlobal(SB), NOSPLIT|NOFRAME, $0
	LEAQ stepData<>(SB), CX
	FLAGS

TEXT ·stepClear(SB), NOSPLIT|NOFRAME, $0
	XORL CX, CX
	FLAGS

TEXT plain·stepClear(SB), NOSPLIT|NOFRAME, $0
	XORL CX, CX
	FLAGS

TEXT ·stepTest8(SB), NOSPLIT|NOFRAME, $0
	TESTQ BX, BX
	FLAGS

TEXT plain·stepTest8(SB), NOSPLIT|NOFRAME, $0
	TESTQ BX, BX
	FLAGS

TEXT ·stepTest4(SB), NOSPLIT|NOFRAME, $0
	TESTL BX, BX
	FLAGS

TEXT plain·stepTest4(SB), NOSPLIT|NOFRAME, $0
	TESTL BX, BX
	FLAGS

TEXT ·stepCompare8(SB), NOSPLIT|NOFRAME, $0
	CMPQ BX, CX
	FLAGS

TEXT plain·stepCompare8(SB), NOSPLIT|NOFRAME, $0
	CMPQ BX, CX
	FLAGS

TEXT ·stepCompare4(SB), NOSPLIT|NOFRAME, $0
	CMPL BX, CX
	FLAGS

TEXT plain·stepCompare4(SB), NOSPLIT|NOFRAME, $0
	CMPL BX, CX
	FLAGS

TEXT ·stepCompareSet8(SB), NOSPLIT|NOFRAME, $0
	CMPQ BX, $-3
	FLAGS

TEXT plain·stepCompareSet8(SB), NOSPLIT|NOFRAME, $0
	CMPQ BX, $-3
	FLAGS

TEXT ·stepCompareSet4(SB), NOSPLIT|NOFRAME, $0
	CMPL BX, $100
	FLAGS

TEXT plain·stepCompareSet4(SB), NOSPLIT|NOFRAME, $0
	CMPL BX, $100
	FLAGS

DATA stepTable<>+0(SB)/8, $·stepLoad8(SB)
DATA stepTable<>+8(SB)/8, $·stepLoad8At(SB)
DATA stepTable<>+16(SB)/8, $·stepLoad4(SB)
DATA stepTable<>+24(SB)/8, $·stepLoad2(SB)
DATA stepTable<>+32(SB)/8, $·stepLoad1(SB)
DATA stepTable<>+40(SB)/8, $·stepGlobal(SB)
DATA stepTable<>+48(SB)/8, $·stepStack(SB)
DATA stepTable<>+56(SB)/8, $·stepMove8(SB)
DATA stepTable<>+64(SB)/8, $·stepMove4(SB)
DATA stepTable<>+72(SB)/8, $·stepSet4(SB)
DATA stepTable<>+80(SB)/8, $·stepSet8(SB)
DATA stepTable<>+88(SB)/8, $·stepLea(SB)
DATA stepTable<>+96(SB)/8, $·stepLeaGlobal(SB)
DATA stepTable<>+104(SB)/8, $·stepClear(SB)
DATA stepTable<>+112(SB)/8, $·stepTest8(SB)
DATA stepTable<>+120(SB)/8, $·stepTest4(SB)
DATA stepTable<>+128(SB)/8, $·stepCompare8(SB)
DATA stepTable<>+136(SB)/8, $·stepCompare4(SB)
DATA stepTable<>+144(SB)/8, $·stepCompareSet8(SB)
DATA stepTable<>+152(SB)/8, $·stepCompareSet4(SB)
GLOBL stepTable<>(SB), NOPTR, $160

DATA plainTable<>+0(SB)/8, $plain·stepLoad8(SB)
DATA plainTable<>+8(SB)/8, $plain·stepLoad8At(SB)
DATA plainTable<>+16(SB)/8, $plain·stepLoad4(SB)
DATA plainTable<>+24(SB)/8, $plain·stepLoad2(SB)
DATA plainTable<>+32(SB)/8, $plain·stepLoad1(SB)
DATA plainTable<>+40(SB)/8, $plain·stepGlobal(SB)
DATA plainTable<>+48(SB)/8, $plain·stepStack(SB)
DATA plainTable<>+56(SB)/8, $plain·stepMove8(SB)
DATA plainTable<>+64(SB)/8, $plain·stepMove4(SB)
DATA plainTable<>+72(SB)/8, $plain·stepSet4(SB)
DATA plainTable<>+80(SB)/8, $plain·stepSet8(SB)
DATA plainTable<>+88(SB)/8, $plain·stepLea(SB)
DATA plainTable<>+96(SB)/8, $plain·stepLeaGlobal(SB)
DATA plainTable<>+104(SB)/8, $plain·stepClear(SB)
DATA plainTable<>+112(SB)/8, $plain·stepTest8(SB)
DATA plainTable<>+120(SB)/8, $plain·stepTest4(SB)
DATA plainTable<>+128(SB)/8, $plain·stepCompare8(SB)
DATA plainTable<>+136(SB)/8, $plain·stepCompare4(SB)
DATA plainTable<>+144(SB)/8, $plain·stepCompareSet8(SB)
DATA plainTable<>+152(SB)/8, $plain·stepCompareSet4(SB)
GLOBL plainTable<>(SB), NOPTR, $160

// func stepRun(n int, plain bool, registers *stepRegisters)
//
// Loads AX, CX, BX and the flags, calls one of the functions, and stores AX, CX, BX and R13.
TEXT ·stepRun(SB), NOSPLIT, $32-24
	MOVQ n+0(FP), R8
	MOVQ registers+16(FP), R9
	MOVQ R9, 16(SP)
	LEAQ stepTable<>(SB), R10
	CMPB plain+8(FP), $0
	JEQ  probed
	LEAQ plainTable<>(SB), R10
probed:
	MOVQ (R10)(R8*8), R10
	MOVQ 0(R9), AX
	MOVQ 8(R9), CX
	MOVQ 16(R9), BX
	PUSHQ 24(R9)
	POPFQ
	CALL R10
	MOVQ 16(SP), R9
	MOVQ AX, 0(R9)
	MOVQ CX, 8(R9)
	MOVQ BX, 16(R9)
	MOVQ R13, 24(R9)
	RET

// func stepPointer() uint64
TEXT ·stepPointer(SB), NOSPLIT, $0-8
	LEAQ ·stepMemory(SB), AX
	MOVQ AX, ret+0(FP)
	RET
