//! Literals, their types, and parameters: from what stands in a clause to a checked number or text.

use std::collections::HashMap;

use grammar::ast::{Expression, Item, Param, Program, Span, Value, ValueKind};

use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, did_you_mean::nearest_word},
    resolve::glob_lint,
};

/// The types that a parameter can be declared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Int,
    Duration,
    String,
    Size,
    Percent,
    Bool,
}

impl Type {
    const ALL: [(&'static str, Self); 6] = [
        ("int", Self::Int),
        ("duration", Self::Duration),
        ("string", Self::String),
        ("size", Self::Size),
        ("percent", Self::Percent),
        ("bool", Self::Bool),
    ];

    fn of(literal: &ValueKind) -> Option<Self> {
        match literal {
            ValueKind::Integer(_) => Some(Self::Int),
            ValueKind::String(_) => Some(Self::String),
            ValueKind::Duration(_) => Some(Self::Duration),
            ValueKind::Size(_) => Some(Self::Size),
            ValueKind::Percent(_) => Some(Self::Percent),
            ValueKind::Bool(_) => Some(Self::Bool),
            ValueKind::Param(_) => None,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(word, _)| *word == name)
            .map(|(_, ty)| *ty)
    }

    /// With its article, for messages.
    fn describe(self) -> &'static str {
        match self {
            Self::Int => "an integer",
            Self::Duration => "a duration",
            Self::String => "a string",
            Self::Size => "a size",
            Self::Percent => "a percentage",
            Self::Bool => "a boolean",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Int => "3",
            Self::Duration => "250ms",
            Self::String => "\"text\"",
            Self::Size => "4KiB",
            Self::Percent => "5%",
            Self::Bool => "true",
        }
    }
}

struct Declared {
    name: String,
    span: Span,
    value: Option<ValueKind>,
    used: bool,
}

/// The program's parameters with their values, and the checks on every use.
pub(crate) struct Values {
    declared: Vec<Declared>,
    /// Declarations may be missing because of syntax errors: an unknown name says nothing then.
    incomplete: bool,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Values {
    /// Takes the declarations of `program` and the command line's `-D name=value`.
    pub(crate) fn new(program: &Program, defines: &[(String, String)], incomplete: bool) -> Self {
        let mut this = Self {
            declared: Vec::new(),
            incomplete,
            diagnostics: Vec::new(),
        };
        for item in &program.items {
            if let Item::Param(param) = item {
                this.declare(param, defines);
            }
        }
        for (name, _) in defines {
            if !incomplete && this.find(name).is_none() {
                let nearest = nearest_word(
                    name,
                    this.declared.iter().map(|declared| declared.name.as_str()),
                );
                this.diagnostics.push(
                    Diagnostic::new(
                        codes::UNDECLARED_DEFINE,
                        format!("the program declares no parameter `{name}`"),
                    )
                    .note(format!("it comes from -D {name}=…"))
                    .help(match nearest {
                        Some(nearest) => format!("did you mean -D {nearest}=…?"),
                        None => format!("declare it: param {name} = …"),
                    }),
                );
            }
        }
        this
    }

    fn declare(&mut self, param: &Param, defines: &[(String, String)]) {
        let name = &param.name.node;
        if let Some(index) = self.find(name) {
            let first = self
                .declared
                .get(index)
                .map(|declared| declared.span.clone())
                .unwrap_or_default();
            self.diagnostics.push(
                Diagnostic::new(
                    codes::DECLARED_TWICE,
                    format!("parameter `{name}` is declared twice"),
                )
                .at(&param.name.span, "declared again here")
                .also_at(&first, "first declared here"),
            );
            return;
        }
        let declared_type = self.declared_type(param);
        let default_type = param
            .default
            .as_ref()
            .and_then(|value| Type::of(&value.kind));
        if let Some(default) = &param.default {
            match (declared_type, default_type) {
                (_, None) => self.diagnostics.push(
                    Diagnostic::new(
                        codes::DEFAULT_MISFIT,
                        format!("the default of `{name}` is not a literal"),
                    )
                    .at(
                        &default.span,
                        "a parameter cannot be the default of another",
                    ),
                ),
                (Some(wanted), Some(found)) if wanted != found => {
                    let label = param
                        .ty
                        .as_ref()
                        .map(|ty| ty.span.clone())
                        .unwrap_or_default();
                    self.diagnostics.push(
                        Diagnostic::new(
                            codes::DEFAULT_MISFIT,
                            format!("the default of `{name}` is not {}", wanted.describe()),
                        )
                        .at(&default.span, format!("this is {}", found.describe()))
                        .also_at(&label, "declared here")
                        .help(format!("write one like {}", wanted.example())),
                    );
                }
                _ => {}
            }
        }
        let wanted = declared_type.or(default_type);
        let given = defines.iter().rev().find(|(defined, _)| defined == name);
        let value = match given {
            Some((_, text)) => {
                let value = parse_literal(text, wanted);
                if value.is_none() {
                    let wanted = wanted.unwrap_or(Type::String);
                    self.diagnostics.push(
                        Diagnostic::new(
                            codes::DEFINE_MISFIT,
                            format!("-D {name}={text}: the value is not {}", wanted.describe()),
                        )
                        .at(&param.span, format!("`{name}` is {}", wanted.describe()))
                        .help(format!(
                            "give one like -D {name}={}",
                            wanted.example().trim_matches('"')
                        )),
                    );
                }
                value
            }
            None => {
                if param.default.is_none() {
                    let example = wanted.unwrap_or(Type::Int).example();
                    self.diagnostics.push(
                        Diagnostic::new(
                            codes::NO_VALUE,
                            format!("parameter `{name}` has no value"),
                        )
                        .at(&param.span, "no default here")
                        .help(format!(
                            "give one with -D {name}={}",
                            example.trim_matches('"')
                        ))
                        .help(format!("or a default: param {name} = {example}")),
                    );
                }
                param
                    .default
                    .as_ref()
                    .map(|default| default.kind.clone())
                    .filter(|kind| wanted.is_none() || Type::of(kind) == wanted)
            }
        };
        self.declared.push(Declared {
            name: name.clone(),
            span: param.name.span.clone(),
            value,
            used: false,
        });
    }

    fn declared_type(&mut self, param: &Param) -> Option<Type> {
        let ty = param.ty.as_ref()?;
        let found = Type::named(&ty.node);
        if found.is_none() {
            let nearest = nearest_word(&ty.node, Type::ALL.iter().map(|(word, _)| *word));
            self.diagnostics.push(
                Diagnostic::new(codes::UNKNOWN_TYPE, format!("unknown type `{}`", ty.node))
                    .at(&ty.span, "not a type of the language")
                    .help(match nearest {
                        Some(nearest) => format!("did you mean `{nearest}`?"),
                        None => {
                            "the types are int, duration, string, size, percent and bool".to_owned()
                        }
                    }),
            );
        }
        found
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.declared
            .iter()
            .position(|declared| declared.name == name)
    }

    /// Warns of parameters that nothing used; to be called last.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        for unused in self.declared.iter().filter(|declared| !declared.used) {
            self.diagnostics.push(
                Diagnostic::new(
                    codes::UNUSED,
                    format!("parameter `{}` is never used", unused.name),
                )
                .at(&unused.span, "declared here")
                .help(format!("use it as ${}, or delete it", unused.name)),
            );
        }
        self.diagnostics
    }

    /// The literal behind `value`, and where its parameter is declared if it is one. `None` has been reported.
    pub(crate) fn literal(&mut self, value: &Value) -> Option<(ValueKind, Option<Span>)> {
        let ValueKind::Param(name) = &value.kind else {
            return Some((value.kind.clone(), None));
        };
        let Some(index) = self.find(name) else {
            if !self.incomplete {
                let names = self.declared.iter().map(|declared| declared.name.as_str());
                let nearest = nearest_word(name, names).map(str::to_owned);
                for declared in &mut self.declared {
                    declared.used |= Some(&declared.name) == nearest.as_ref();
                }
                self.diagnostics.push(
                    Diagnostic::new(codes::UNKNOWN_PARAM, format!("unknown parameter `${name}`"))
                        .at(&value.span, "not declared")
                        .help(match nearest {
                            Some(nearest) => format!("did you mean `${nearest}`?"),
                            None => format!("declare it: param {name} = …"),
                        }),
                );
            }
            return None;
        };
        let declared = self.declared.get_mut(index)?;
        declared.used = true;
        Some((declared.value.clone()?, Some(declared.span.clone())))
    }

    /// Looks the parameters up that an expression names, and at its globs.
    pub(crate) fn check_expression(&mut self, expression: &Expression) {
        glob_lint::check(expression, &mut self.diagnostics);
        expression.params(&mut |name, span| {
            let kind = ValueKind::Param(name.to_owned());
            let span = span.clone();
            self.literal(&Value { span, kind });
        });
    }

    /// The parameters that have a value.
    pub(crate) fn known(&self) -> HashMap<String, ValueKind> {
        let known = self.declared.iter();
        known
            .filter_map(|declared| Some((declared.name.clone(), declared.value.clone()?)))
            .collect()
    }

    fn mismatch(
        &mut self,
        clause: &str,
        value: &Value,
        wanted: Type,
        found: &ValueKind,
        declared: Option<Span>,
    ) {
        let found_type = describe(found);
        let mut diagnostic = match (wanted, found) {
            (Type::Duration, ValueKind::Integer(number)) => Diagnostic::new(
                codes::MISSING_UNIT,
                format!("`{clause}` needs a unit of time"),
            )
            .at(&value.span, "a bare number")
            .help(format!("give a unit: {number}ms (units: ns us ms s m h)")),
            _ => Diagnostic::new(
                codes::WRONG_TYPE,
                format!("`{clause}` takes {}", wanted.describe()),
            )
            .at(&value.span, format!("this is {found_type}"))
            .help(format!("write {clause} {}", wanted.example())),
        };
        if let Some(span) = declared {
            diagnostic = diagnostic.also_at(&span, format!("its value here is {found_type}"));
        }
        self.diagnostics.push(diagnostic);
    }

    /// A duration in nanoseconds, at least `least`.
    pub(crate) fn duration(&mut self, clause: &str, value: &Value, least: u64) -> Option<u64> {
        match self.literal(value)? {
            (ValueKind::Duration(nanoseconds), _) if nanoseconds >= least => Some(nanoseconds),
            (ValueKind::Duration(_), _) => {
                self.diagnostics.push(
                    Diagnostic::new(
                        codes::OUT_OF_RANGE,
                        format!("`{clause}` has to be longer than 0"),
                    )
                    .at(&value.span, "no time at all"),
                );
                None
            }
            (other, declared) => {
                self.mismatch(clause, value, Type::Duration, &other, declared);
                None
            }
        }
    }

    /// An integer within `range`.
    pub(crate) fn integer(
        &mut self,
        clause: &str,
        value: &Value,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        match self.literal(value)? {
            (ValueKind::Integer(number), _) if range.contains(&number) => Some(number),
            (ValueKind::Integer(number), _) => {
                let (message, help) = if number < *range.start() {
                    (
                        format!("`{clause}` has to be at least {}", range.start()),
                        None,
                    )
                } else {
                    (
                        format!("`{clause}` can be at most {}", range.end()),
                        Some(format!("write {}", range.end())),
                    )
                };
                self.diagnostics.push(
                    Diagnostic::new(codes::OUT_OF_RANGE, message)
                        .at(&value.span, format!("this is {number}"))
                        .maybe_help(help),
                );
                None
            }
            (other, declared) => {
                self.mismatch(clause, value, Type::Int, &other, declared);
                None
            }
        }
    }

    /// A string.
    pub(crate) fn string(&mut self, clause: &str, value: &Value) -> Option<String> {
        match self.literal(value)? {
            (ValueKind::String(text), _) => Some(text),
            (other, declared) => {
                self.mismatch(clause, value, Type::String, &other, declared);
                None
            }
        }
    }
}

/// What a literal is, with its article.
pub(crate) fn describe(literal: &ValueKind) -> &'static str {
    Type::of(literal).map_or("something else", Type::describe)
}

/// Reads the value of a `-D` option: text is taken as it is where a string is wanted, or where nothing is known and it is no literal.
fn parse_literal(text: &str, wanted: Option<Type>) -> Option<ValueKind> {
    if wanted == Some(Type::String) {
        return Some(ValueKind::String(text.to_owned()));
    }
    let literal = literal_of(text);
    match (literal.as_ref().and_then(Type::of), wanted) {
        (Some(found), Some(wanted)) if found != wanted => None,
        (Some(_), _) => literal,
        (None, None) => Some(ValueKind::String(text.to_owned())),
        (None, Some(_)) => None,
    }
}

/// The literal that a text is.
pub(crate) fn literal_of(text: &str) -> Option<ValueKind> {
    if text.contains(['#', '\n']) {
        return None;
    }
    let parsed = grammar::parse(&format!("param x = {text}"));
    match (parsed.errors.as_slice(), parsed.program.items.as_slice()) {
        (
            [],
            [
                Item::Param(Param {
                    default: Some(value),
                    ..
                }),
            ],
        ) => Some(value.kind.clone()),
        _ => None,
    }
}
