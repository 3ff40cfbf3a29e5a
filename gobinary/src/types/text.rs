//! Signatures in Go's syntax.

use super::model::{TypeId, short_name};
use super::signature::{Signature, Variable};
use super::{Types, TypesError};
use crate::Function;

impl Types<'_> {
    /// A function's signature as people write it, without package folders: `(db *main.DB) query(sql string, limit int) (rows []main.Row,
    /// err error)`.
    ///
    /// # Errors
    ///
    /// When a type is damaged.
    pub fn describe(
        &self,
        function: &Function<'_>,
        signature: &Signature,
    ) -> Result<String, TypesError> {
        let mut out = String::new();
        let mut parameters = signature.parameters.as_slice();
        let name = short_name(function.name);
        match parameters.split_first() {
            Some((receiver, rest)) if signature.method => {
                let method = name.rsplit('.').next().unwrap_or(&name);
                out.push_str(&format!("({}) {method}", self.variable(receiver)?));
                parameters = rest;
            }
            _ => out.push_str(&name),
        }
        out.push_str(&format!("({})", self.list(parameters)?));
        match signature.results.as_slice() {
            [] => {}
            [one] if one.name.is_none() => {
                out.push(' ');
                out.push_str(&self.short_type(one.ty)?);
            }
            all => out.push_str(&format!(" ({})", self.list(all)?)),
        }
        Ok(out)
    }

    fn list(&self, variables: &[Variable]) -> Result<String, TypesError> {
        let named = variables.iter().any(|variable| variable.name.is_some());
        let texts = variables.iter().map(|variable| {
            if named {
                self.variable(variable)
            } else {
                self.short_type(variable.ty)
            }
        });
        Ok(texts.collect::<Result<Vec<_>, _>>()?.join(", "))
    }

    fn variable(&self, variable: &Variable) -> Result<String, TypesError> {
        let name = variable.name.as_deref().unwrap_or("_");
        Ok(format!("{name} {}", self.short_type(variable.ty)?))
    }

    /// The name of a type without package folders.
    ///
    /// # Errors
    ///
    /// When its entry is damaged.
    pub fn short_type(&self, id: TypeId) -> Result<String, TypesError> {
        self.get(id).map(|ty| ty.short_name())
    }
}
