/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Reading the traced process. */
#ifndef GOFUNCGRAPH_USER_H
#define GOFUNCGRAPH_USER_H

/* Memory that is not mapped at the moment (never touched, on the disk, being moved, sampled for its NUMA node) is worth waiting for. */
#define read_user(to, from)                                                            \
	(bpf_probe_read_user(to, sizeof(*(to)), (const void *)(from)) &&               \
	 (!config.sleepable || bpf_copy_from_user(to, sizeof(*(to)), (const void *)(from))))

#endif
