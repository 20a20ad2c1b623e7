//! Changes of the fields themselves.

use serde_json::{Value, json};

use super::{Choice, Field, Origin, custom};
use crate::crm::{Crm, Kind};

/// Ids of choices that came later begin here.
const LATER: u64 = 100_000;

impl Field {
    /// Another type. Choices are made where the type needs them.
    pub(crate) fn retype(&mut self, field_type: &str) {
        field_type.clone_into(&mut self.field_type);
        self.retyped = true;
        self.options = has_choices(field_type).then(|| self.options.take().unwrap_or_default());
    }
}

fn has_choices(field_type: &str) -> bool {
    matches!(field_type, "enum" | "set")
}

impl Crm {
    /// Gives the code of a new field.
    pub(crate) fn add_field(
        &mut self,
        kind: Kind,
        name: &str,
        field_type: &str,
        labels: &[String],
    ) -> Option<Value> {
        let company = self.company;
        let n = self.next_number();
        self.kept.forget_all(kind);
        let fields = self.fields.get_mut(&kind).filter(|_| kind.has_custom_fields())?;
        let code = custom::code((company, kind, n, "added"));
        let options =
            labels.iter().zip(LATER + 1000 * n..).map(|(label, id)| Choice::new(json!(id), label)).collect();
        fields.push(Field {
            options: has_choices(field_type).then_some(options),
            origin: Origin::Added,
            ..Field::built_in(&code, name, field_type)
        });
        Some(json!(code))
    }

    pub(crate) fn edit_field(
        &mut self,
        kind: Kind,
        code: &str,
        edit: impl FnOnce(&mut Field),
    ) -> Option<Value> {
        edit(self.custom_field(kind, code)?);
        Some(Value::Null)
    }

    pub(crate) fn remove_field(&mut self, kind: Kind, code: &str) -> Option<Value> {
        self.kept.forget_all(kind);
        let fields = self.fields.get_mut(&kind)?;
        let place = fields.iter().position(|field| field.is_custom() && field.code == code)?;
        fields.remove(place);
        Some(Value::Null)
    }

    /// Gives the id of a new choice.
    pub(crate) fn add_option(&mut self, kind: Kind, code: &str, label: &str) -> Option<Value> {
        let id = json!(LATER + 1000 * self.next_number());
        self.custom_field(kind, code)?.options.as_mut()?.push(Choice::new(id.clone(), label));
        Some(id)
    }

    pub(crate) fn edit_option(
        &mut self,
        kind: Kind,
        code: &str,
        id: &Value,
        edit: impl FnOnce(&mut Vec<Choice>, usize),
    ) -> Option<Value> {
        let options = self.custom_field(kind, code)?.options.as_mut()?;
        let place = options.iter().position(|option| option.id == *id)?;
        edit(options, place);
        Some(Value::Null)
    }

    fn custom_field(&mut self, kind: Kind, code: &str) -> Option<&mut Field> {
        self.kept.forget_all(kind);
        self.fields.get_mut(&kind)?.iter_mut().find(|field| field.is_custom() && field.code == code)
    }
}
