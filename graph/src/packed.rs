//! Spilled calls at rest.
//!
//! Ten thousand goroutines can be in graphs that have spilled, so what waits for a graph's end is stored as differences in LEB128:
//! some 17 bytes a call instead of 48.

use ebpf_templates::{CallExit, CallRecord, NO_OFFSET};

/// Packs calls of a graph that began at `start_ns` at `entry_ip`.
pub(crate) fn pack(calls: &[CallRecord], start_ns: u64, entry_ip: u64) -> Box<[u8]> {
    let mut out = Vec::with_capacity(calls.len() * 20);
    let mut before = start_ns;
    for call in calls {
        put(&mut out, zigzag(call.entry_ns.wrapping_sub(before)));
        put(&mut out, call.duration_ns);
        put(&mut out, zigzag(call.caller_pc.wrapping_sub(entry_ip)));
        put(&mut out, u64::from(call.function));
        put(&mut out, u64::from(call.return_offset.wrapping_add(1)));
        let has_missing = u64::from(call.missing != 0);
        put(
            &mut out,
            u64::from(call.level) << 3 | has_missing << 2 | u64::from(call.exit & 3),
        );
        if call.missing != 0 {
            put(&mut out, u64::from(call.missing));
        }
        put(&mut out, u64::from(call.hits));
        put(&mut out, u64::from(call.stepped));
        before = call.entry_ns;
    }
    out.into_boxed_slice()
}

/// The calls that [`pack`] was given, with the same `start_ns` and `entry_ip`.
pub(crate) fn unpack(
    bytes: &[u8],
    start_ns: u64,
    entry_ip: u64,
) -> impl Iterator<Item = CallRecord> {
    let mut input = bytes.iter();
    let mut before = start_ns;
    std::iter::from_fn(move || {
        let entry_ns = before.wrapping_add(unzigzag(take(&mut input)?));
        before = entry_ns;
        let duration_ns = take(&mut input)?;
        let caller_pc = entry_ip.wrapping_add(unzigzag(take(&mut input)?));
        let function = take(&mut input)? as u32;
        let return_offset = (take(&mut input)? as u32).wrapping_sub(1);
        let tail = take(&mut input)?;
        let missing = if tail & 4 == 0 {
            0
        } else {
            take(&mut input)? as u32
        };
        let hits = take(&mut input)? as u32;
        let stepped = take(&mut input)? as u32;
        Some(CallRecord {
            entry_ns,
            duration_ns,
            caller_pc,
            function,
            return_offset,
            missing,
            level: (tail >> 3) as u16,
            exit: (tail & 3) as u8,
            unused: 0,
            hits,
            stepped,
        })
    })
}

fn zigzag(difference: u64) -> u64 {
    difference << 1 ^ ((difference as i64) >> 63) as u64
}

fn unzigzag(value: u64) -> u64 {
    value >> 1 ^ (value & 1).wrapping_neg()
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take<'a>(input: &mut impl Iterator<Item = &'a u8>) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *input.next()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

// `return_offset + 1` has to fit: NO_OFFSET becomes 0, the shortest code, and exits have to fit into two bits.
const _: () = assert!(NO_OFFSET == u32::MAX && CallExit::Open as u8 <= 3);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn any_call()(
            entry_ns in any::<u64>(), duration_ns in any::<u64>(), caller_pc in any::<u64>(), function in any::<u32>(),
            return_offset in prop_oneof![Just(NO_OFFSET), any::<u32>()], missing in prop_oneof![Just(0), any::<u32>()],
            level in any::<u16>(), exit in 0..3u8, hits in any::<u32>(), stepped in any::<u32>(),
        ) -> CallRecord {
            CallRecord { entry_ns, duration_ns, caller_pc, function, return_offset, missing, level, exit, unused: 0, hits, stepped }
        }
    }

    proptest! {
        #[test]
        fn round_trip(calls in prop::collection::vec(any_call(), 0..60), start in any::<u64>(), ip in any::<u64>()) {
            let packed = pack(&calls, start, ip);
            prop_assert_eq!(unpack(&packed, start, ip).collect::<Vec<_>>(), calls);
        }

        #[test]
        fn any_bytes_unpack_to_something_finite(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(unpack(&bytes, 1, 2).count() <= bytes.len());
        }
    }

    #[test]
    fn an_ordinary_call_takes_less_than_half_of_its_record() {
        let start = 1_000_000_000_000;
        let calls: Vec<CallRecord> = (0..48)
            .map(|index| CallRecord {
                entry_ns: start + index * 25_000,
                duration_ns: 18_000,
                caller_pc: 0x0064_1000 + index * 64,
                function: 130,
                return_offset: 192,
                missing: 0,
                level: 3,
                exit: 0,
                unused: 0,
                hits: 20,
                stepped: 4,
            })
            .collect();
        assert!(pack(&calls, start, 0x0060_0000).len() <= 48 * 20);
    }
}
