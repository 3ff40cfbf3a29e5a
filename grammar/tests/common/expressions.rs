//! Random expressions, with parentheses where they need some.

use grammar::{
    ast::{BinaryOperator, Expression, ExpressionKind, Shown, Spanned, UnaryOperator},
    keywords,
};
use proptest::{prelude::*, sample::select};

use super::spanned;

fn new(kind: ExpressionKind) -> Expression {
    Expression { span: 0..0, kind }
}

fn at<T>(node: T) -> Spanned<T> {
    Spanned { node, span: 0..0 }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z][a-zA-Z0-9_]{0,6}",
        1 => select(vec!["größe", "_", "in", "has", "arg"])
            .prop_map(str::to_owned),
    ]
    .prop_filter("no word that may end a clause, or is a value", |name| {
        !["true", "false", "nil", "as", "by", "per"].contains(&name.as_str())
            && !keywords::is_reserved(name)
    })
}

fn operand() -> impl Strategy<Value = Expression> {
    prop_oneof![
        4 => name().prop_map(ExpressionKind::Name),
        1 => any::<u64>().prop_map(ExpressionKind::Integer),
        1 => any::<f64>()
            .prop_filter("a number", |value| value.is_finite())
            .prop_map(|value| ExpressionKind::Float(value.abs().to_bits())),
        1 => any::<String>().prop_map(ExpressionKind::String),
        1 => any::<Vec<u8>>()
            .prop_filter("not UTF-8", |bytes| str::from_utf8(bytes).is_err())
            .prop_map(ExpressionKind::Bytes),
        1 => any::<u64>().prop_map(ExpressionKind::Duration),
        1 => any::<u64>().prop_map(ExpressionKind::Size),
        1 => any::<bool>().prop_map(ExpressionKind::Bool),
        1 => Just(ExpressionKind::Nil),
        1 => name().prop_map(ExpressionKind::Param),
    ]
    .prop_map(new)
}

/// How tightly the outermost operator binds; 6 and 7: one before its operand, and none.
fn binding(expression: &Expression) -> u8 {
    match &expression.kind {
        ExpressionKind::Binary { operator, .. } => operator.node.precedence(),
        ExpressionKind::Unary { .. } => 6,
        ExpressionKind::Name(_)
        | ExpressionKind::Field { .. }
        | ExpressionKind::Index { .. }
        | ExpressionKind::Assertion { .. }
        | ExpressionKind::Call { .. }
        | ExpressionKind::Parentheses(_) => 8,
        _ => 7,
    }
}

/// In parentheses where something that binds less than `least` cannot stand.
fn within(expression: Expression, least: u8) -> Box<Expression> {
    Box::new(if binding(&expression) < least {
        new(ExpressionKind::Parentheses(expression.into()))
    } else {
        expression
    })
}

pub fn expression() -> impl Strategy<Value = Expression> {
    use BinaryOperator as B;
    let operators = vec![
        B::Or,
        B::And,
        B::Equal,
        B::NotEqual,
        B::Less,
        B::LessOrEqual,
        B::Greater,
        B::GreaterOrEqual,
        B::Like,
        B::Has,
        B::In,
        B::Add,
        B::Subtract,
        B::Multiply,
        B::Divide,
        B::Remainder,
        B::BitAnd,
    ];
    let unary = vec![
        UnaryOperator::Not,
        UnaryOperator::Negate,
        UnaryOperator::Dereference,
    ];
    let types = vec![
        "*T",
        "main.T",
        "*net/http.Request",
        "map[string]func(int) (bool, error)",
    ];
    operand().prop_recursive(5, 24, 3, move |inner| {
        let several = || prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            4 => (select(operators.clone()), inner.clone(), inner.clone()).prop_map(
                |(operator, left, right)| ExpressionKind::Binary {
                    operator: at(operator),
                    left: within(left, operator.precedence()),
                    right: within(right, operator.precedence() + 1),
                }
            ),
            1 => (select(unary.clone()), inner.clone()).prop_map(|(operator, operand)| {
                ExpressionKind::Unary { operator: at(operator), operand: within(operand, 6) }
            }),
            1 => inner.clone().prop_map(|inner| ExpressionKind::Parentheses(inner.into())),
            1 => several().prop_map(ExpressionKind::List),
            1 => (name(), several()).prop_map(|(function, arguments)| ExpressionKind::Call {
                function: spanned(function),
                arguments,
            }),
            1 => (inner.clone(), name()).prop_map(|(of, name)| ExpressionKind::Field {
                of: within(of, 8),
                name: spanned(name),
            }),
            1 => (inner.clone(), inner.clone()).prop_map(|(of, index)| ExpressionKind::Index {
                of: within(of, 8),
                index: index.into(),
            }),
            1 => (inner.clone(), select(types.clone())).prop_map(|(of, ty)| {
                ExpressionKind::Assertion { of: within(of, 8), ty: spanned(ty.to_owned()) }
            }),
        ]
        .prop_map(new)
    })
}

pub fn shown() -> impl Strategy<Value = Vec<Shown>> {
    let label =
        prop_oneof![3 => name(), 1 => select(vec!["s.name", "as", ""]).prop_map(str::to_owned)];
    let one = (expression(), prop::option::of(label)).prop_map(|(expression, name)| Shown {
        span: 0..0,
        expression,
        name: name.map(spanned),
    });
    prop::collection::vec(one, 0..4)
}

/// Words between which white space may stand.
pub fn tokens(expression: &Expression, out: &mut Vec<String>) {
    let list = |list: &[Expression], out: &mut Vec<String>| {
        for (number, expression) in list.iter().enumerate() {
            if number > 0 {
                out.push(",".to_owned());
            }
            tokens(expression, out);
        }
    };
    let after = |word: String, out: &mut Vec<String>| match out.last_mut() {
        Some(last) => last.push_str(&word),
        None => out.push(word),
    };
    match &expression.kind {
        ExpressionKind::Parentheses(inner) => {
            out.push("(".to_owned());
            tokens(inner, out);
            out.push(")".to_owned());
        }
        ExpressionKind::List(items) => {
            out.push("[".to_owned());
            list(items, out);
            out.push("]".to_owned());
        }
        ExpressionKind::Call {
            function,
            arguments,
        } => {
            out.push(format!("{}(", function.node));
            list(arguments, out);
            out.push(")".to_owned());
        }
        ExpressionKind::Field { of, name } => {
            tokens(of, out);
            after(format!(".{}", name.node), out);
        }
        ExpressionKind::Assertion { of, ty } => {
            tokens(of, out);
            after(format!(".({})", ty.node), out);
        }
        ExpressionKind::Index { of, index } => {
            tokens(of, out);
            after("[".to_owned(), out);
            tokens(index, out);
            out.push("]".to_owned());
        }
        ExpressionKind::Unary { operator, operand } => {
            out.push(operator.node.symbol().to_owned());
            tokens(operand, out);
        }
        ExpressionKind::Binary {
            operator,
            left,
            right,
        } => {
            tokens(left, out);
            out.push(operator.node.symbol().to_owned());
            tokens(right, out);
        }
        _ => out.push(super::spaced::operand_text(expression)),
    }
}
