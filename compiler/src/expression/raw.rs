//! Registers and memory by themselves, for executables that do not say what is where.

use gobinary::Kind;
use grammar::ast::{Expression, Span, Spanned};

use super::{
    calls::loads,
    constant::Constant,
    lower::{Lowering, join},
    meaning::Value,
    scope::Use,
    value::{Location, Ty, Typed},
};
use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, did_you_mean::nearest_word},
    ir::{Condition, Extension, Moment, Register, Text, Word, WordKind},
};

impl<'s, 'e> Lowering<'s, 'e> {
    /// `reg.ax`
    pub(super) fn register(&mut self, name: &Spanned<String>, span: &Span) -> Option<Value> {
        // Go's own names for the old registers have no `r`.
        let full = format!("r{}", name.node);
        let found = Register::ALL
            .into_iter()
            .find(|register| register.name() == name.node || register.name() == full);
        let Some(register) = found else {
            let nearest = nearest_word(&name.node, Register::ALL.map(Register::name));
            return self.fail(
                Diagnostic::new(
                    codes::UNKNOWN_NAME,
                    format!("there is no register `{}`", name.node),
                )
                .at(&name.span, "unknown register")
                .note("the integer arguments of Go are in ax bx cx di si r8 r9 r10 r11")
                .maybe_help(nearest.map(|nearest| format!("did you mean `reg.{nearest}`?"))),
            );
        };
        let moment = match self.scope.usage {
            Use::Ret => Moment::Return,
            Use::Where | Use::Args => Moment::Entry,
        };
        let ty = Ty::built_in("uint64", 8, Kind::Uint);
        let kind = WordKind::Register(register, moment);
        Some(Value::Typed(Typed::word(ty, kind, span)))
    }

    /// `u32(address)`, `mem(address, length)`
    pub(super) fn memory(
        &mut self,
        function: &Spanned<String>,
        arguments: &[Expression],
        span: &Span,
    ) -> Option<Value> {
        let takes = match (loads(&function.node), arguments) {
            (Some((width, extension)), [address]) => {
                let (address, guard) = self.address(address, &function.node)?;
                let kind = WordKind::Load {
                    pointer: address.into(),
                    offset: 0,
                    width,
                    extension,
                };
                let (prefix, number) = match extension {
                    Extension::Sign => ("int", Kind::Int),
                    Extension::Zero => ("uint", Kind::Uint),
                };
                let bytes = width.bytes();
                let ty = Ty::built_in(&format!("{prefix}{}", 8 * bytes), bytes.into(), number);
                return Some(Value::Typed(Typed {
                    guard,
                    ..Typed::word(ty, kind, span)
                }));
            }
            (None, [address, length]) => {
                let (pointer, length) = (
                    self.address(address, &function.node),
                    self.address(length, &function.node),
                );
                let ((pointer, one), (length, other)) = (pointer?, length?);
                let text = Text {
                    pointer: pointer.into(),
                    length: length.into(),
                };
                return Some(Value::Typed(Typed {
                    ty: Ty::built_in("string", 16, Kind::String),
                    at: Location::Text(text.into()),
                    guard: join(one, other),
                }));
            }
            (Some(_), _) => "an address",
            (None, _) => "an address and a length",
        };
        let name = &function.node;
        self.fail(
            Diagnostic::new(codes::UNKNOWN_FUNCTION, format!("`{name}` takes {takes}"))
                .at(span, format!("there are {}", arguments.len())),
        )
    }

    /// A number that is an address, or a length.
    fn address(
        &mut self,
        expression: &Expression,
        function: &str,
    ) -> Option<(Word, Option<Condition>)> {
        match self.value(expression)? {
            Value::Constant(constant @ Constant::Integer(_)) => {
                let ty = Ty::built_in("uint64", 8, Kind::Uint);
                let bits = self.integer(&constant, &ty, expression)?;
                Some((Word::constant(bits, expression.span.clone()), None))
            }
            Value::Typed(value) if value.ty.is_integer() || is_pointer(&value.ty.kind) => {
                let word = self.reach(value.scalar(&expression.span), expression)?;
                Some((word, value.guard))
            }
            other => self.misfit(function, expression, Some(&other)),
        }
    }
}

fn is_pointer(kind: &Kind) -> bool {
    matches!(kind, Kind::Pointer { .. } | Kind::UnsafePointer)
}
