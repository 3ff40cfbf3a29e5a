/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The processor's arithmetic flags: as results set them, and as the conditions of jumps read them. */
#ifndef GOFUNCGRAPH_FLAGS_H
#define GOFUNCGRAPH_FLAGS_H

#define FLAG_CF 1u
#define FLAG_PF 4u
#define FLAG_AF 0x10u
#define FLAG_ZF 0x40u
#define FLAG_SF 0x80u
#define FLAG_OF 0x800u
#define FLAGS_ARITHMETIC (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* SF, ZF and PF of a result of so many bits. */
static __always_inline u64 flags_of(u64 result, u32 bits)
{
	u64 flags = result >> (bits - 1) & 1 ? FLAG_SF : 0;
	u32 parity = result & 0xff;

	if (!result)
		flags |= FLAG_ZF;
	parity ^= parity >> 4;
	parity ^= parity >> 2;
	parity ^= parity >> 1;
	return parity & 1 ? flags : flags | FLAG_PF;
}

/* Flags as of a comparison (Intel SDM, volume 2, CMP). */
static __always_inline u64 compared(u64 a, u64 b, u32 bits)
{
	u64 mask = bits == 64 ? ~0ull : 0xffffffffull, flags, result;

	a &= mask;
	b &= mask;
	result = (a - b) & mask;
	flags = flags_of(result, bits);
	if (a < b)
		flags |= FLAG_CF;
	if (((a ^ b) & (a ^ result)) >> (bits - 1) & 1)
		flags |= FLAG_OF;
	return flags | ((a ^ b ^ result) & FLAG_AF);
}

/* Does the condition of a jump hold? The lowest bit of its code negates (Intel SDM, volume 1, appendix B). */
static __always_inline u32 condition_holds(u32 code, u64 flags)
{
	u32 less = !(flags & FLAG_SF) != !(flags & FLAG_OF), holds;

	switch (code >> 1) {
	case 0:
		holds = !!(flags & FLAG_OF);
		break;
	case 1:
		holds = !!(flags & FLAG_CF);
		break;
	case 2:
		holds = !!(flags & FLAG_ZF);
		break;
	case 3:
		holds = !!(flags & (FLAG_CF | FLAG_ZF));
		break;
	case 4:
		holds = !!(flags & FLAG_SF);
		break;
	case 5:
		holds = !!(flags & FLAG_PF);
		break;
	case 6:
		holds = less;
		break;
	default:
		holds = less || flags & FLAG_ZF;
	}
	return holds ^ (code & 1);
}

#endif
