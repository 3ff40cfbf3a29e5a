//! Expressions as they were written.

use super::span::{Span, Spanned};

/// An expression over a call: its arguments and results, and what else is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: ExpressionKind,
}

impl Expression {
    /// Shows every `$name` in it, with its place.
    pub fn params(&self, see: &mut dyn FnMut(&str, &Span)) {
        if let ExpressionKind::Param(name) = &self.kind {
            see(name, &self.span);
        }
        for part in self.parts() {
            part.params(see);
        }
    }

    /// The expressions that it is made of, in the order in which they are written.
    #[must_use]
    pub fn parts(&self) -> Vec<&Expression> {
        match &self.kind {
            ExpressionKind::Param(_)
            | ExpressionKind::Integer(_)
            | ExpressionKind::Float(_)
            | ExpressionKind::String(_)
            | ExpressionKind::Bytes(_)
            | ExpressionKind::Duration(_)
            | ExpressionKind::Size(_)
            | ExpressionKind::Bool(_)
            | ExpressionKind::Nil
            | ExpressionKind::Name(_) => Vec::new(),
            ExpressionKind::Parentheses(inner)
            | ExpressionKind::Field { of: inner, .. }
            | ExpressionKind::Assertion { of: inner, .. }
            | ExpressionKind::Unary { operand: inner, .. } => vec![inner],
            ExpressionKind::List(all) | ExpressionKind::Call { arguments: all, .. } => {
                all.iter().collect()
            }
            ExpressionKind::Index { of, index } => vec![of, index],
            ExpressionKind::Binary { left, right, .. } => vec![left, right],
        }
    }
}

/// The kinds of expression. Types are unchecked: `1 + nil` parses, the compiler refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpressionKind {
    /// `42`, `'a'`
    Integer(u64),
    /// `1.5`: the bits of a `f64`.
    Float(u64),
    /// `"text"`, escapes resolved.
    String(String),
    /// `"\xff"`, escapes resolved: a string that is not UTF-8.
    Bytes(Vec<u8>),
    /// `250ms`, in nanoseconds.
    Duration(u64),
    /// `4KiB`, in bytes.
    Size(u64),
    /// `true`, `false`
    Bool(bool),
    /// `nil`
    Nil,
    /// `$name`, without the `$`.
    Param(String),
    /// A parameter, a result or something built in.
    Name(String),
    /// `(of)`
    Parentheses(Box<Expression>),
    /// `[a, b]`
    List(Vec<Expression>),
    /// `of.name`
    Field {
        /// Of what.
        of: Box<Expression>,
        /// Which.
        name: Spanned<String>,
    },
    /// `of[index]`
    Index {
        /// Of what.
        of: Box<Expression>,
        /// Which.
        index: Box<Expression>,
    },
    /// `of.(ty)`
    Assertion {
        /// Of what.
        of: Box<Expression>,
        /// The type, as written.
        ty: Spanned<String>,
    },
    /// `function(arguments)`
    Call {
        /// Its name.
        function: Spanned<String>,
        /// Its arguments.
        arguments: Vec<Expression>,
    },
    /// An operator before its operand.
    Unary {
        /// Which.
        operator: Spanned<UnaryOperator>,
        /// Of what.
        operand: Box<Expression>,
    },
    /// An operator between its operands.
    Binary {
        /// Which.
        operator: Spanned<BinaryOperator>,
        /// What stands on its left.
        left: Box<Expression>,
        /// What stands on its right.
        right: Box<Expression>,
    },
}

/// Operators before an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `!`
    Not,
    /// `-`
    Negate,
    /// `*`
    Dereference,
}

impl UnaryOperator {
    /// As it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Not => "!",
            Self::Negate => "-",
            Self::Dereference => "*",
        }
    }
}

/// Operators between operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=~`
    Like,
    /// `has`
    Has,
    /// `in`
    In,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `&`
    BitAnd,
}

impl BinaryOperator {
    /// As it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Like => "=~",
            Self::Has => "has",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::BitAnd => "&",
        }
    }

    /// How tightly it binds, from 1 to 5 as in the Go specification.
    #[must_use]
    pub const fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual
            | Self::Like
            | Self::Has
            | Self::In => 3,
            Self::Add | Self::Subtract => 4,
            Self::Multiply | Self::Divide | Self::Remainder | Self::BitAnd => 5,
        }
    }
}

impl Expression {
    /// Calls `see` with every span of the tree.
    pub fn visit_spans(&mut self, see: &mut impl FnMut(&mut Span)) {
        see(&mut self.span);
        match &mut self.kind {
            ExpressionKind::Parentheses(inner) => inner.visit_spans(see),
            ExpressionKind::List(list) => list.iter_mut().for_each(|one| one.visit_spans(see)),
            ExpressionKind::Field { of, name } => {
                of.visit_spans(see);
                see(&mut name.span);
            }
            ExpressionKind::Index { of, index } => {
                of.visit_spans(see);
                index.visit_spans(see);
            }
            ExpressionKind::Assertion { of, ty } => {
                of.visit_spans(see);
                see(&mut ty.span);
            }
            ExpressionKind::Call {
                function,
                arguments,
            } => {
                see(&mut function.span);
                arguments.iter_mut().for_each(|one| one.visit_spans(see));
            }
            ExpressionKind::Unary { operator, operand } => {
                see(&mut operator.span);
                operand.visit_spans(see);
            }
            ExpressionKind::Binary {
                operator,
                left,
                right,
            } => {
                see(&mut operator.span);
                left.visit_spans(see);
                right.visit_spans(see);
            }
            ExpressionKind::Integer(_)
            | ExpressionKind::Float(_)
            | ExpressionKind::String(_)
            | ExpressionKind::Bytes(_)
            | ExpressionKind::Duration(_)
            | ExpressionKind::Size(_)
            | ExpressionKind::Bool(_)
            | ExpressionKind::Nil
            | ExpressionKind::Param(_)
            | ExpressionKind::Name(_) => {}
        }
    }
}
