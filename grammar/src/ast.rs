//! The syntax tree: what was written, with a span on every node and nothing resolved.

mod expression;
mod span;

pub use expression::{BinaryOperator, Expression, ExpressionKind, UnaryOperator};
pub use span::{Span, Spanned};

/// A whole program text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Program {
    /// Its items in source order.
    pub items: Vec<Item>,
}

/// One top-level item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `trace label: patterns < clauses >`
    Trace(Trace),
    /// `target ./server`
    Target(Target),
    /// `set @name = patterns`
    Set(Set),
    /// `param name: type = literal`
    Param(Param),
    /// `config { name = value; … }`
    Config(Config),
    /// `every 5s { actions }`, `begin { … }`, `end { … }`
    Hook(Hook),
}

/// Which calls to watch, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The whole item.
    pub span: Span,
    /// The name before the colon, if any.
    pub label: Option<Spanned<String>>,
    /// The target patterns.
    pub patterns: Vec<Pattern>,
    /// The clauses between `< … >` or `{ … }`.
    pub clauses: Vec<Clause>,
}

/// The Go executable to trace, where the command line names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The whole item.
    pub span: Span,
    /// The path as written, quotes removed.
    pub path: Spanned<String>,
}

/// A named group of functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// The whole item.
    pub span: Span,
    /// The name without its `@`; the span covers the `@` too.
    pub name: Spanned<String>,
    /// Its members.
    pub patterns: Vec<Pattern>,
}

/// A value that the command line may give with `-D name=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// The whole item.
    pub span: Span,
    /// The name without a `$`.
    pub name: Spanned<String>,
    /// The declared type (`int`, `duration`, `string`, `size`, `bool`), as written.
    pub ty: Option<Spanned<String>>,
    /// The value used where the command line gives none.
    pub default: Option<Value>,
}

/// What holds for the whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The whole item.
    pub span: Span,
    /// Its settings, in source order.
    pub settings: Vec<Setting>,
}

/// One setting. Which there are, and what they take, the compiler knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The whole setting without its `;`.
    pub span: Span,
    /// Its name.
    pub name: Spanned<String>,
    /// What it is set to.
    pub value: Value,
}

/// What is done at a moment of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The whole item.
    pub span: Span,
    /// `every`, `begin` or `end`.
    pub keyword: Spanned<String>,
    /// When.
    pub moment: HookMoment,
    /// What, in source order.
    pub actions: Vec<Action>,
}

/// When a hook's actions are done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookMoment {
    /// Once the probes are attached.
    Begin,
    /// After the last graph.
    End,
    /// Each time so much time has passed.
    Every(Value),
}

/// One action of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The whole action without its `;`.
    pub span: Span,
    /// The keyword as written.
    pub keyword: Spanned<String>,
    /// What it says.
    pub kind: ActionKind,
}

/// What an action says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionKind {
    /// `print "text {time}"`
    Print(Template),
    /// `show [name, …]`: prints aggregations, all where none is named.
    Show(Vec<Spanned<String>>),
    /// `clear [name, …]`: lets aggregations begin anew.
    Clear(Vec<Spanned<String>>),
}

/// Which functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: PatternKind,
}

/// The three ways to name functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternKind {
    /// A symbol name or glob, quotes removed: `net/http.(*conn).serve`, `main.*`, `net/http/...`.
    Name(String),
    /// The functions of a file: `:server.go` (stored without the colon).
    File(String),
    /// A set: `@main` (stored without the `@`).
    Set(String),
}

/// One clause of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The whole clause without its `;`.
    pub span: Span,
    /// The keyword as written.
    pub keyword: Spanned<String>,
    /// What it says.
    pub kind: ClauseKind,
}

/// What a clause says. Values are unchecked: `min 5` parses, the compiler refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClauseKind {
    /// `include P, …`
    Include(Vec<Pattern>),
    /// `exclude P, …`
    Exclude(Vec<Pattern>),
    /// `depth N`
    Depth(Value),
    /// `min D`
    Min(Value),
    /// `max D`
    Max(Value),
    /// `prune D`
    Prune(Value),
    /// `pid N, …`
    Pid(Vec<Value>),
    /// `comm "s", …`
    Comm(Vec<Value>),
    /// `goroutine N, …`
    Goroutine(Vec<Value>),
    /// `sample A/B`
    Sample {
        /// The numerator, which has to be 1.
        one: Value,
        /// One graph of this many.
        of: Value,
    },
    /// `limit N [per D]`
    Limit {
        /// How many graphs.
        count: Value,
        /// In each of these intervals; for the whole trace where absent.
        per: Option<Value>,
    },
    /// `for D`
    For(Value),
    /// `stack [N]`
    Stack(Option<Value>),
    /// `where E`
    Where(Expression),
    /// `args [E [as name], …]`
    Args(Vec<Shown>),
    /// `ret [E [as name], …]`
    Ret(Vec<Shown>),
    /// `until E`
    Until(Expression),
    /// `print "text {E}"`
    Print(Template),
    /// `[name:] hist(E) by K, …`
    Aggregate(Aggregation),
    /// A clause of the language that this version cannot run yet (`blocked`, `output`, …), or no clause of the language at all;
    /// the compiler tells them apart by the keyword.
    Unknown,
}

/// What is made of all graphs of a trace. Its function is the clause's keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregation {
    /// The name before the colon, if any.
    pub name: Option<Spanned<String>>,
    /// Which function.
    pub function: AggregateFunction,
    /// What it is given: nothing for `count`, a value for most, value, bounds and step for `lhist`.
    pub arguments: Vec<Expression>,
    /// `by K, …`
    pub keys: Vec<Shown>,
}

/// The functions that aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AggregateFunction {
    /// How many graphs.
    Count,
    /// The sum of a value.
    Sum,
    /// Its mean.
    Average,
    /// How many, sum, mean, least and greatest.
    Stats,
    /// How many by powers of two.
    Histogram,
    /// How many by steps of one size.
    Linear,
}

impl AggregateFunction {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Count,
        Self::Sum,
        Self::Average,
        Self::Stats,
        Self::Histogram,
        Self::Linear,
    ];

    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Average => "avg",
            Self::Stats => "stats",
            Self::Histogram => "hist",
            Self::Linear => "lhist",
        }
    }

    /// How many arguments it takes.
    #[must_use]
    pub const fn arguments(self) -> usize {
        match self {
            Self::Count => 0,
            Self::Linear => 4,
            _ => 1,
        }
    }
}

/// A text with expressions in it: `"{r.Method} took {dur}"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The string, quotes included.
    pub span: Span,
    /// Texts and expressions in turn.
    pub parts: Vec<TemplatePart>,
}

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePart {
    /// Escapes resolved, doubled braces single. Never empty, and never two in a row.
    Text(String),
    /// What stands between braces.
    Expression(Expression),
}

/// A literal or a `$param`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: ValueKind,
}

/// The kinds of literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueKind {
    /// `42`, `0x2a`, `1_000`
    Integer(u64),
    /// `"text"`, escapes resolved.
    String(String),
    /// `250ms`, in nanoseconds.
    Duration(u64),
    /// `4KiB`, in bytes.
    Size(u64),
    /// `2.5%`, in tenths of a percent.
    Percent(u32),
    /// `true` or `on`, `false` or `off`
    Bool(bool),
    /// `$name`, without the `$`.
    Param(String),
}

/// Something of a call to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The whole, name and all.
    pub span: Span,
    /// What.
    pub expression: Expression,
    /// The name that it is shown by; as it is written where absent.
    pub name: Option<Spanned<String>>,
}
