//! Layouts that are shared with the probe program, as keys and values of maps.

#![allow(unsafe_code)]

/// One of `ebpf_templates`'.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Plain<T>(pub(crate) T);

// SAFETY: the types are C structs of integers without padding (zerocopy's IntoBytes checks that) and any bytes are a value of them.
unsafe impl<T: zerocopy::FromBytes + zerocopy::IntoBytes + Copy + 'static> aya::Pod for Plain<T> {}
