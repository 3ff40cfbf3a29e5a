/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What all that write to the ring buffer need. */
#ifndef GOFUNCGRAPH_RING_H
#define GOFUNCGRAPH_RING_H

/* Keeps clang from dropping a bound that it can prove useless and the verifier of Linux 6.12 and before cannot. */
#define keep_mask(level) asm volatile("" : "+r"(level))

/* A wake-up costs an interrupt on the target's CPU, so the reader polls and is woken only when much waits. */
static __always_inline u64 wakeup_flags(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= config.wakeup_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

#endif
