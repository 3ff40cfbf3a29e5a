//! From records of captured values to the calls that they belong to.
//!
//! They come before the records of their calls, and a call is known by when and how deep it was entered.

use ebpf_templates::{Moment, Values, ValuesHeader};
use zerocopy::FromBytes;

use crate::{captured::Captured, malformed::Malformed, tree::Call};

/// Gives each capture to its call. The calls are in pre-order and those of a graph that began at `start_ns`; captures whose call
/// is not among them are left out.
pub(crate) fn attach(chunks: &[Box<[u8]>], calls: &[Call], start_ns: u64) -> Captured {
    if chunks.is_empty() {
        return Captured::default();
    }
    // Both sides in the order of their keys. Where the clock stood still, calls of one level and captures of one moment come in
    // the same order.
    let key = |call: &Call| (call.start_ns, call.level);
    let mut by_key: Vec<usize> = (0..calls.len()).collect();
    by_key.sort_by_key(|&index| calls.get(index).map(key));
    let mut captures: Vec<(ValuesHeader, &[u8])> = chunks
        .iter()
        .flat_map(|chunk| captures(chunk).map_while(Result::ok))
        .collect();
    let key_of = |header: &ValuesHeader| {
        let at = header.entry_ns.saturating_sub(start_ns);
        (at, u32::from(header.level))
    };
    captures.sort_by_key(|(header, _)| (header.moment, key_of(header)));

    let mut captured = Captured::default();
    for moment in [Moment::Arguments, Moment::Results] {
        let mut waiting = by_key.iter().peekable();
        let of_moment = captures
            .iter()
            .filter(|(header, _)| header.moment == moment as u8);
        for (header, bytes) in of_moment {
            let wanted = (key_of(header), header.function);
            while let Some(&&index) = waiting.peek()
                && let Some(call) = calls.get(index)
                && key(call) <= wanted.0
            {
                waiting.next();
                if (key(call), call.function) == wanted {
                    captured.push(index, moment, bytes);
                    break;
                }
            }
        }
    }
    captured.sort();
    captured
}

/// The captures in the body of a record, or in a goroutine's buffer; the last item is an error where they are damaged.
pub(crate) fn captures(
    bytes: &[u8],
) -> impl Iterator<Item = Result<(ValuesHeader, &[u8]), Malformed>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let next = first(rest);
        rest = next.map_or(&[], |(_, _, after)| after);
        Some(next.map(|(header, captured, _)| (header, captured)))
    })
}

/// A capture, and what follows it.
fn first(bytes: &[u8]) -> Result<(ValuesHeader, &[u8], &[u8]), Malformed> {
    let cut = Malformed::Values(bytes.len());
    let (header, body) = ValuesHeader::read_from_prefix(bytes).map_err(|_| cut)?;
    if header.moment > Moment::Results as u8 {
        return Err(Malformed::Moment(header.moment));
    }
    let size = header.size as usize;
    let captured = body.get(..size).ok_or(cut)?;
    let after = size
        .checked_next_multiple_of(8)
        .and_then(|to| body.get(to..));
    Ok((header, captured, after.unwrap_or_default()))
}

/// How many captures the body of a record has, if all of them can be read.
pub(crate) fn count(bytes: &[u8]) -> Result<u64, Malformed> {
    captures(bytes).try_fold(0, |count, capture| capture.map(|_| count + 1))
}

/// The part of a goroutine's buffer that is in use; an error where it cannot be read to its end.
pub(crate) fn unsent(values: &Values) -> Result<&[u8], Malformed> {
    let used = values.bytes.get(..values.used as usize);
    let used = used.ok_or(Malformed::Values(values.bytes.len()))?;
    count(used).map(|_| used)
}
