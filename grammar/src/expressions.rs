//! Expressions: a tree from the grammar's flat row of operands and operators, and what is said of what is missing or foreign in it.

use std::sync::LazyLock;

use pest::{
    iterators::Pair,
    pratt_parser::{Assoc, Op, PrattParser},
};

use crate::{
    ast::{BinaryOperator, Expression, ExpressionKind, Shown, Span, Spanned, UnaryOperator},
    error::{SyntaxError, code},
    fragments::{Fragment, misplaced, stray_closer, unclosed, unterminated},
    literal,
    parser::{Reader, Rule, matches, span, spanned},
};

/// Operands and operators of a clause, so that a tree cannot become too deep to be walked.
pub(crate) const MAX_PARTS: usize = 400;

/// Operators by precedence, the weakest first, each with what is most like it among those of other languages.
static PRECEDENCE: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::or))
        .op(left(Rule::and) | left(Rule::missing_infix))
        .op(left(Rule::equal)
            | left(Rule::not_equal)
            | left(Rule::less)
            | left(Rule::less_or_equal)
            | left(Rule::greater)
            | left(Rule::greater_or_equal)
            | left(Rule::like)
            | left(Rule::has)
            | left(Rule::r#in)
            | left(Rule::foreign_infix))
        .op(left(Rule::add) | left(Rule::subtract))
        .op(left(Rule::multiply) | left(Rule::divide) | left(Rule::remainder) | left(Rule::bit_and))
        .op(Op::prefix(Rule::not)
            | Op::prefix(Rule::negate)
            | Op::prefix(Rule::dereference)
            | Op::prefix(Rule::foreign_prefix))
        .op(Op::postfix(Rule::field)
            | Op::postfix(Rule::index)
            | Op::postfix(Rule::assertion)
            | Op::postfix(Rule::called)
            | Op::postfix(Rule::arrow)
            | Op::postfix(Rule::broken_field)
            | Op::postfix(Rule::junk))
});

/// The operator that a rule stands for.
fn binary(rule: Rule) -> Option<BinaryOperator> {
    Some(match rule {
        Rule::or => BinaryOperator::Or,
        Rule::and => BinaryOperator::And,
        Rule::equal => BinaryOperator::Equal,
        Rule::not_equal => BinaryOperator::NotEqual,
        Rule::less => BinaryOperator::Less,
        Rule::less_or_equal => BinaryOperator::LessOrEqual,
        Rule::greater => BinaryOperator::Greater,
        Rule::greater_or_equal => BinaryOperator::GreaterOrEqual,
        Rule::like => BinaryOperator::Like,
        Rule::has => BinaryOperator::Has,
        Rule::r#in => BinaryOperator::In,
        Rule::add => BinaryOperator::Add,
        Rule::subtract => BinaryOperator::Subtract,
        Rule::multiply => BinaryOperator::Multiply,
        Rule::divide => BinaryOperator::Divide,
        Rule::remainder => BinaryOperator::Remainder,
        Rule::bit_and => BinaryOperator::BitAnd,
        _ => return None,
    })
}

impl<'i> Reader<'i> {
    /// The expression of a `where`; nothing where it has mistakes, which are reported.
    pub(crate) fn condition(
        &mut self,
        clause: Pair<'i, Rule>,
        keyword: &Spanned<String>,
    ) -> Option<Expression> {
        let errors = self.errors.len();
        self.check_size(&clause)?;
        let mut found = None;
        for pair in clause.into_inner() {
            match pair.as_rule() {
                Rule::expression if is_missing(&pair) => self.report(lacks_condition(keyword)),
                Rule::expression => found = Some(self.expression(pair)),
                _ => self.leftover(&pair, errors, false),
            }
        }
        found.filter(|_| self.errors.len() == errors)
    }

    /// What `args` and `ret` show; nothing where it has mistakes, which are reported.
    pub(crate) fn shown(&mut self, clause: Pair<'i, Rule>) -> Option<Vec<Shown>> {
        let errors = self.errors.len();
        self.check_size(&clause)?;
        let mut list = Vec::new();
        for pair in clause.into_inner() {
            if pair.as_rule() == Rule::shown {
                list.extend(self.one_shown(pair));
            } else {
                self.leftover(&pair, errors, true);
            }
        }
        (self.errors.len() == errors).then_some(list)
    }

    /// A name, in quotes or without.
    fn shown_name(&mut self, name: &Pair<'i, Rule>) -> Option<Spanned<String>> {
        if name.as_rule() != Rule::string {
            return Some(spanned(name));
        }
        let at = span(name);
        let node = self.accept(literal::string(name.as_str(), at.clone()))?;
        Some(Spanned { node, span: at })
    }

    /// `expression as name`
    pub(crate) fn one_shown(&mut self, shown: Pair<'i, Rule>) -> Option<Shown> {
        let at = span(&shown);
        let mut parts = shown.into_inner();
        let expression = parts.next()?;
        if let Some(error) = named_in_front(&expression) {
            self.report(error);
            return None;
        }
        Some(Shown {
            span: at,
            expression: self.expression(expression),
            name: parts.next().and_then(|name| self.shown_name(&name)),
        })
    }

    pub(crate) fn check_size(&mut self, clause: &Pair<'i, Rule>) -> Option<()> {
        let Some(last) = clause.clone().into_inner().flatten().nth(MAX_PARTS) else {
            return Some(());
        };
        self.report(
            SyntaxError::new(
                code::TOO_DEEP,
                span(&last),
                format!("an expression has at most {MAX_PARTS} parts"),
            )
            .label("too many from here on"),
        );
        None
    }

    /// What stands between an expression and the end of its clause.
    pub(crate) fn leftover(&mut self, pair: &Pair<'i, Rule>, errors: usize, list: bool) {
        let at = span(pair);
        let first = pair.as_str().trim_start();
        let start = at.end - first.len();
        if self.errors.len() > errors {
            // Of a hole before a closing bracket the bracket is the better explanation.
            let hole = self
                .errors
                .last()
                .is_some_and(|error| error.span == (start..start));
            if !hole || !first.starts_with([')', ']']) {
                return;
            }
            self.errors.pop();
        }
        let word: String = first
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let length = if word.is_empty() {
            first.chars().next().map_or(0, char::len_utf8)
        } else {
            word.len()
        };
        let at = start..start + length;
        let found = self.source.get(at.clone()).unwrap_or_default();
        let error = match found {
            ")" | "]" => stray_closer(at, found),
            "," if list => SyntaxError::new(
                code::EXPECTED_EXPRESSION,
                at,
                "expected an expression after this `,`",
            )
            .label("nothing follows"),
            "as" if list => SyntaxError::new(
                code::EXPECTED_EXPRESSION,
                at,
                "expected a name after this `as`",
            )
            .label("no name follows")
            .help("for example `args r.Method as method`"),
            "," => SyntaxError::new(code::UNEXPECTED, at, "conditions are joined by `&&`")
                .label("expected `&&` instead of `,`"),
            _ => SyntaxError::new(code::UNEXPECTED, at, format!("unexpected `{found}`"))
                .label("is not allowed here")
                .help("clauses are separated by `;`"),
        };
        self.report(error);
    }

    /// An expression. Where it has mistakes, they are reported, and the tree is of no use.
    pub(crate) fn expression(&mut self, pair: Pair<'i, Rule>) -> Expression {
        // The three closures share the reader.
        let reader = std::cell::RefCell::new(self);
        PRECEDENCE
            .map_primary(|pair| reader.borrow_mut().primary(pair))
            .map_prefix(|operator, operand| reader.borrow_mut().prefix(&operator, operand))
            .map_postfix(|operand, operator| reader.borrow_mut().postfix(operand, operator))
            .map_infix(|left, operator, right| reader.borrow_mut().infix(left, &operator, right))
            .parse(pair.into_inner())
    }

    fn primary(&mut self, pair: Pair<'i, Rule>) -> Expression {
        let at = span(&pair);
        let text = pair.as_str();
        let kind = match pair.as_rule() {
            Rule::integer => {
                let value = literal::integer(text, at.clone());
                ExpressionKind::Integer(self.accept(value).unwrap_or_default())
            }
            Rule::float => {
                let value = literal::float(text, at.clone());
                ExpressionKind::Float(self.accept(value).unwrap_or_default())
            }
            Rule::duration => {
                let value = literal::duration(text, at.clone());
                ExpressionKind::Duration(self.accept(value).unwrap_or_default())
            }
            Rule::size => {
                let value = literal::size(text, at.clone());
                ExpressionKind::Size(self.accept(value).unwrap_or_default())
            }
            Rule::string => {
                let value = literal::bytes(text, at.clone());
                match String::from_utf8(self.accept(value).unwrap_or_default()) {
                    Ok(text) => ExpressionKind::String(text),
                    Err(error) => ExpressionKind::Bytes(error.into_bytes()),
                }
            }
            Rule::rune => {
                let value = literal::rune(text, at.clone());
                ExpressionKind::Integer(self.accept(value).unwrap_or_default())
            }
            Rule::bool_literal => ExpressionKind::Bool(text == "true"),
            Rule::nil => ExpressionKind::Nil,
            Rule::variable => ExpressionKind::Param(text.trim_start_matches('$').to_owned()),
            Rule::parentheses => {
                let mut inner = self.bracketed(pair, "(");
                if let [_, second, ..] = inner.as_slice() {
                    let comma = second.span.start..second.span.start;
                    self.report(
                        SyntaxError::new(
                            code::UNEXPECTED,
                            comma,
                            "parentheses hold one expression",
                        )
                        .label("a second one")
                        .help("write a list in brackets: `x in [1, 2]`"),
                    );
                }
                inner.truncate(1);
                match inner.pop() {
                    Some(inner) => ExpressionKind::Parentheses(inner.into()),
                    None => nothing(),
                }
            }
            Rule::list => ExpressionKind::List(self.bracketed(pair, "[")),
            Rule::call => {
                let mut parts = pair.clone().into_inner();
                match parts.next() {
                    Some(name) => ExpressionKind::Call {
                        function: spanned(&name),
                        arguments: self.bracketed(pair, "("),
                    },
                    None => nothing(),
                }
            }
            Rule::name_in_expression => ExpressionKind::Name(text.to_owned()),
            Rule::bad_number => {
                self.report(literal::bad(text, at.clone()));
                nothing()
            }
            Rule::broken_string => {
                self.report(unterminated(at.clone()));
                nothing()
            }
            Rule::no_operand => {
                self.report(junk(&pair, at.clone()));
                nothing()
            }
            _ => {
                self.report(
                    SyntaxError::new(
                        code::EXPECTED_EXPRESSION,
                        at.clone(),
                        "expected an expression",
                    )
                    .label("expected a name or a value here"),
                );
                nothing()
            }
        };
        Expression { span: at, kind }
    }

    /// The expressions in brackets. Where the closer is missing, that is reported.
    pub(crate) fn bracketed(&mut self, pair: Pair<'i, Rule>, opener: &str) -> Vec<Expression> {
        let mut inner = Vec::new();
        let opened = span(&pair).start + pair.as_str().find(opener).unwrap_or_default();
        for pair in pair.into_inner() {
            match pair.as_rule() {
                Rule::expression => inner.push(self.expression(pair)),
                Rule::unclosed => self.report(unclosed(opened..opened + opener.len(), opener)),
                _ => {}
            }
        }
        inner
    }

    fn prefix(&mut self, operator: &Pair<'i, Rule>, operand: Expression) -> Expression {
        let at = span(operator);
        let node = match operator.as_rule() {
            Rule::not => UnaryOperator::Not,
            Rule::negate => UnaryOperator::Negate,
            Rule::dereference => UnaryOperator::Dereference,
            _ => {
                let written = operator.as_str();
                let help = match written {
                    "not" => "write `!`",
                    "&" => "addresses are not taken: a pointer is compared as it is",
                    _ => "leave it out",
                };
                self.report(
                    SyntaxError::new(
                        code::UNEXPECTED,
                        at.clone(),
                        format!("there is no operator `{written}`"),
                    )
                    .label("unknown operator")
                    .help(help),
                );
                UnaryOperator::Not
            }
        };
        Expression {
            span: at.start..operand.span.end,
            kind: ExpressionKind::Unary {
                operator: Spanned { node, span: at },
                operand: operand.into(),
            },
        }
    }

    fn postfix(&mut self, operand: Expression, operator: Pair<'i, Rule>) -> Expression {
        let at = span(&operator);
        let whole = operand.span.start..at.end;
        let of = Box::new(operand);
        let kind = match operator.as_rule() {
            Rule::field | Rule::arrow => {
                if operator.as_rule() == Rule::arrow {
                    self.report(
                        SyntaxError::new(
                            code::UNEXPECTED,
                            at.start..at.start + 2,
                            "fields are selected with `.`",
                        )
                        .label("expected `.`"),
                    );
                }
                match operator.into_inner().next() {
                    Some(name) => ExpressionKind::Field {
                        of,
                        name: spanned(&name),
                    },
                    None => nothing(),
                }
            }
            Rule::index => match self.bracketed(operator, "[").pop() {
                Some(index) => ExpressionKind::Index {
                    of,
                    index: index.into(),
                },
                None => nothing(),
            },
            Rule::assertion => {
                let mut parts = operator.into_inner();
                let ty = parts.next();
                if parts.next().is_some() {
                    self.report(unclosed(at.start + 1..at.start + 2, "("));
                }
                match ty {
                    Some(ty) => {
                        let text = ty.as_str().trim_end();
                        let start = span(&ty).start;
                        ExpressionKind::Assertion {
                            of,
                            ty: Spanned {
                                node: text.to_owned(),
                                span: start..start + text.len(),
                            },
                        }
                    }
                    None => nothing(),
                }
            }
            Rule::called => return self.called(*of, operator),
            Rule::broken_field => {
                self.report(
                    SyntaxError::new(
                        code::EXPECTED_EXPRESSION,
                        at,
                        "expected the name of a field after this `.`",
                    )
                    .label("no name follows"),
                );
                return *of;
            }
            _ => {
                let error = junk(&operator, at);
                self.report(error);
                return *of;
            }
        };
        Expression { span: whole, kind }
    }

    fn infix(
        &mut self,
        left: Expression,
        operator: &Pair<'i, Rule>,
        right: Expression,
    ) -> Expression {
        let at = span(operator);
        let node = match binary(operator.as_rule()) {
            Some(node) => node,
            None => {
                let error = match operator.as_rule() {
                    Rule::missing_infix => missing_operator(self.source, &left, &right),
                    _ => foreign(operator.as_str(), at.clone()),
                };
                // What stands before may be the reason.
                let between = left.span.start..=right.span.start;
                let mut errors = self.errors.iter();
                let explained = errors.any(|error| between.contains(&error.span.start));
                if operator.as_rule() != Rule::missing_infix || !explained {
                    self.report(error);
                }
                BinaryOperator::And
            }
        };
        Expression {
            span: left.span.start..right.span.end,
            kind: ExpressionKind::Binary {
                operator: Spanned { node, span: at },
                left: left.into(),
                right: right.into(),
            },
        }
    }
}

/// Stands where a tree would be, but for a mistake.
fn nothing() -> ExpressionKind {
    ExpressionKind::Nil
}

/// Whether nothing at all stands where an expression should be.
pub(crate) fn is_missing(expression: &Pair<'_, Rule>) -> bool {
    let mut parts = expression.clone().into_inner();
    parts
        .next()
        .is_some_and(|part| part.as_rule() == Rule::hole)
        && parts.next().is_none()
}

/// `name = E`, where `E as name` is meant.
fn named_in_front(expression: &Pair<'_, Rule>) -> Option<SyntaxError> {
    let mut parts = expression.clone().into_inner();
    let (name, sign) = (parts.next()?, parts.next()?);
    if name.as_rule() != Rule::name_in_expression || sign.as_str() != "=" {
        return None;
    }
    let value = expression
        .as_str()
        .get(span(&sign).end - span(expression).start..)?;
    Some(
        SyntaxError::new(
            code::EXPECTED_OPERATOR,
            span(&sign),
            "the name has to follow the expression",
        )
        .label("expected `as` and a name after the expression")
        .help(format!("write `{} as {}`", value.trim(), name.as_str())),
    )
}

fn lacks_condition(keyword: &Spanned<String>) -> SyntaxError {
    let example = match keyword.node.as_str() {
        "until" => "until ret.err != nil",
        _ => "where limit > 100 && sql =~ \"SELECT*\"",
    };
    SyntaxError::new(
        code::EXPECTED_EXPRESSION,
        keyword.span.clone(),
        format!("`{}` needs a condition", keyword.node),
    )
    .label("expected a condition after this")
    .help(format!("for example `{example}`"))
}

fn junk(pair: &Pair<'_, Rule>, at: Span) -> SyntaxError {
    let text = pair.as_str();
    match text {
        ":" => SyntaxError::new(code::UNEXPECTED, at, "unexpected `:`")
            .label("is not allowed here")
            .help("there are no parts of slices; `x[0]` is an element, `x =~ \"a*\"` tests a string's beginning"),
        "?" => SyntaxError::new(code::UNEXPECTED, at, "unexpected `?`")
            .label("is not allowed here")
            .help("there is no `?:`; write `a && b || !a && c`"),
        "{" => unclosed(at, "{"),
        _ if text.starts_with('{') => {
            SyntaxError::new(code::UNEXPECTED, at, "braces cannot be used in an expression")
                .label("unexpected")
        }
        _ => {
            let fragment = pair.clone().into_inner().next().unwrap_or_else(|| pair.clone());
            misplaced(
                &Fragment {
                    text,
                    span: at,
                    pair: fragment,
                },
                &[],
            )
        }
    }
}

fn missing_operator(source: &str, left: &Expression, right: &Expression) -> SyntaxError {
    let text = |expression: &Expression| source.get(expression.span.clone()).unwrap_or_default();
    // Where the left side has operators itself, the last number in it.
    let mut left = left;
    while let ExpressionKind::Binary { right, .. } = &left.kind {
        left = right;
    }
    let joined = format!("{}{}", text(left), text(right));
    if matches!(
        left.kind,
        ExpressionKind::Integer(_) | ExpressionKind::Float(_)
    ) && matches!(right.kind, ExpressionKind::Name(_))
        && matches(Rule::only_value, &joined)
    {
        return SyntaxError::new(
            code::BAD_LITERAL,
            left.span.start..right.span.end,
            "a unit follows its number without a space",
        )
        .label("a space within a value")
        .help(format!("write `{joined}`"));
    }
    SyntaxError::new(
        code::EXPECTED_OPERATOR,
        right.span.clone(),
        format!("expected an operator before `{}`", text(right)),
    )
    .label("follows an operand")
    .help("conditions are joined by `&&` and `||`, expressions that are shown are separated by `,`")
}

/// An operator that the language does not have.
fn foreign(written: &str, at: Span) -> SyntaxError {
    let lower = written.to_lowercase();
    let instead = match lower.as_str() {
        "=" | "===" | ":=" | "is" => Some("=="),
        "<>" | "!==" => Some("!="),
        "=>" => Some(">="),
        "~=" | "like" | "matches" => Some("=~"),
        "and" => Some("&&"),
        "or" | "|" => Some("||"),
        "contains" => Some("has"),
        _ => None,
    };
    let error = SyntaxError::new(
        code::EXPECTED_OPERATOR,
        at,
        format!("there is no operator `{written}`"),
    )
    .label("unknown operator");
    match instead {
        Some(instead) => error.help(format!("write `{instead}`")),
        None if lower == "!~" => error.help("write `!(a =~ \"b\")`"),
        None if lower.starts_with("not") => error.help("write `!(a in [b])`"),
        None => error.help("operators are || && ! == != < <= > >= + - * / % & =~ has in"),
    }
}
