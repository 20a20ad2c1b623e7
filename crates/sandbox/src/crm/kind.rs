//! The kinds of records, and how each is asked for.

use serde::{Deserialize, Serialize};

use super::Scope;

use Paging::{Cursor, Offset, Whole};

/// A kind of record. In JSON by its name in the plural: `"deals"`, `"lead_labels"`.
#[expect(missing_docs, reason = "the names say it")]
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Kind {
    Deal,
    Person,
    Organization,
    Activity,
    Product,
    Variation,
    DealProduct,
    Pipeline,
    Stage,
    Project,
    Task,
    Board,
    Phase,
    User,
    Lead,
    LeadLabel,
    Note,
    File,
    ActivityType,
    Currency,
    Filter,
}

use Kind::{
    Activity, ActivityType, Board, Currency, Deal, DealProduct, File, Filter, Lead, LeadLabel, Note,
    Organization, Person, Phase, Pipeline, Product, Project, Stage, Task, User, Variation,
};

/// How a list is cut into pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    /// `cursor` of v2, at most 500.
    Cursor,
    /// `start` of v1, at most so many.
    Offset(u64),
    /// Everything at once.
    Whole,
}

/// What is known of a kind.
pub(crate) struct Spec {
    kind: Kind,
    /// In the plural, as JSON and settings have it.
    pub name: &'static str,
    /// As paths have it; empty where there is no list of its own.
    pub path: &'static str,
    /// As messages have it.
    pub title: &'static str,
    pub old: Option<Paging>,
    pub new: Option<Paging>,
    /// Parameters of the list beside `limit`, `cursor` and `start`, by words.
    pub params: &'static str,
}

const fn spec(
    kind: Kind,
    name: &'static str,
    path: &'static str,
    title: &'static str,
    old: Option<Paging>,
    new: Option<Paging>,
    params: &'static str,
) -> Spec {
    Spec { kind, name, path, title, old, new, params }
}

const SORTED: &str = "sort_by sort_direction";

/// In the order of [`Kind`].
#[rustfmt::skip]
const SPECS: [Spec; 21] = [
    spec(Deal, "deals", "deals", "Deal", Some(Offset(500)), Some(Cursor),
        "filter_id ids owner_id person_id org_id pipeline_id stage_id status updated_since updated_until \
         sort_by sort_direction include_fields custom_fields include_option_labels include_labels"),
    spec(Person, "persons", "persons", "Person", Some(Offset(500)), Some(Cursor),
        "filter_id ids owner_id org_id deal_id updated_since updated_until sort_by sort_direction include_fields \
         custom_fields include_option_labels include_labels"),
    spec(Organization, "organizations", "organizations", "Organization", Some(Offset(500)), Some(Cursor),
        "filter_id ids owner_id updated_since updated_until sort_by sort_direction include_fields custom_fields \
         include_option_labels include_labels"),
    spec(Activity, "activities", "activities", "Activity", None, Some(Cursor),
        "filter_id ids owner_id deal_id lead_id person_id org_id done updated_since updated_until sort_by \
         sort_direction include_fields"),
    spec(Product, "products", "products", "Product", None, Some(Cursor),
        "owner_id ids filter_id sort_by sort_direction updated_since custom_fields"),
    spec(Variation, "variations", "", "Product variation", None, Some(Cursor), ""),
    spec(DealProduct, "deal_products", "", "Deal product", None, Some(Cursor), "deal_ids sort_by sort_direction"),
    spec(Pipeline, "pipelines", "pipelines", "Pipeline", None, Some(Cursor), SORTED),
    spec(Stage, "stages", "stages", "Stage", None, Some(Cursor), "pipeline_id sort_by sort_direction"),
    spec(Project, "projects", "projects", "Project", None, Some(Cursor),
        "filter_id status phase_id deal_id person_id org_id"),
    spec(Task, "tasks", "tasks", "Task", None, Some(Cursor),
        "is_done is_milestone assignee_id project_id parent_task_id"),
    spec(Board, "boards", "boards", "Board", None, Some(Whole), ""),
    spec(Phase, "phases", "phases", "Phase", None, Some(Whole), "board_id"),
    spec(User, "users", "users", "User", Some(Whole), None, ""),
    spec(Lead, "leads", "leads", "Lead", Some(Offset(500)), None,
        "owner_id person_id organization_id filter_id updated_since sort"),
    spec(LeadLabel, "lead_labels", "leadLabels", "Lead label", Some(Whole), None, ""),
    spec(Note, "notes", "notes", "Note", Some(Offset(500)), None,
        "user_id lead_id deal_id person_id org_id project_id sort updated_since"),
    spec(File, "files", "files", "File", Some(Offset(100)), None, "sort"),
    spec(ActivityType, "activity_types", "activityTypes", "Activity type", Some(Whole), None, ""),
    spec(Currency, "currencies", "currencies", "Currency", Some(Whole), None, ""),
    spec(Filter, "filters", "filters", "Filter", Some(Whole), None, "type"),
];

impl Kind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        SPECS.iter().map(|spec| spec.kind)
    }

    /// Those that search looks at, and that v1 and v2 both know.
    pub(crate) const SEARCHED: [Self; 3] = [Deal, Person, Organization];

    pub(crate) fn spec(self) -> &'static Spec {
        &SPECS[self as usize]
    }

    pub(crate) fn of_path(segment: &str) -> Option<Self> {
        let known = SPECS.iter().find(|spec| spec.path == segment && !segment.is_empty());
        known.map(|spec| spec.kind)
    }

    pub(crate) fn title(self) -> &'static str {
        self.spec().title
    }

    /// The one field that a record must have.
    pub(crate) fn name_field(self) -> &'static str {
        if self == Deal { "title" } else { "name" }
    }

    /// Lists and single records need an add-on.
    pub(crate) fn is_of_projects(self) -> bool {
        matches!(self, Project | Task | Board | Phase)
    }

    /// Its ids are UUIDs.
    pub(crate) fn has_uuids(self) -> bool {
        matches!(self, Lead | LeadLabel)
    }

    /// Its times have milliseconds.
    pub(crate) fn has_milliseconds(self) -> bool {
        matches!(self, Lead | LeadLabel | Project | Task | Board | Phase)
    }

    /// Some of its records may be archived.
    pub(crate) fn can_be_archived(self) -> bool {
        matches!(self, Deal | Lead | Project)
    }

    /// It has such a list.
    pub(crate) fn has(self, scope: Scope) -> bool {
        scope == Scope::Usual || self.can_be_archived()
    }

    /// Companies can give it fields of their own. Leads share those of deals.
    pub(crate) fn has_custom_fields(self) -> bool {
        matches!(self, Deal | Person | Organization | Product | Project)
    }

    /// What its lists can be sorted by, the usual first.
    pub(crate) fn orders(self) -> &'static [&'static str] {
        match self {
            Activity => &["id", "update_time", "add_time", "due_date"],
            Product => &["id", "update_time", "add_time", "name"],
            Stage => &["id", "update_time", "add_time", "order_nr"],
            DealProduct => &["id", "update_time", "add_time", "order_nr"],
            Deal | Person | Organization | Pipeline | Lead | Note | File => {
                &["id", "update_time", "add_time"]
            }
            _ => &["id"],
        }
    }

    /// What `include_fields` knows.
    pub(crate) fn optional_fields(self) -> &'static str {
        match self {
            Deal => {
                "next_activity_id last_activity_id first_won_time products_count files_count notes_count \
                 followers_count email_messages_count activities_count done_activities_count undone_activities_count \
                 participants_count last_incoming_mail_time last_outgoing_mail_time smart_bcc_email source_lead_id"
            }
            Person => {
                "next_activity_id last_activity_id open_deals_count related_open_deals_count closed_deals_count \
                 related_closed_deals_count participant_open_deals_count participant_closed_deals_count \
                 email_messages_count activities_count done_activities_count undone_activities_count files_count \
                 notes_count followers_count won_deals_count related_won_deals_count lost_deals_count \
                 related_lost_deals_count last_incoming_mail_time last_outgoing_mail_time marketing_status \
                 doi_status smart_bcc_email"
            }
            Organization => {
                "next_activity_id last_activity_id open_deals_count related_open_deals_count closed_deals_count \
                 related_closed_deals_count email_messages_count people_count activities_count \
                 done_activities_count undone_activities_count files_count notes_count followers_count \
                 won_deals_count related_won_deals_count lost_deals_count related_lost_deals_count smart_bcc_email"
            }
            Activity => "attendees",
            _ => "",
        }
    }

    /// Which words `status` knows, `deleted` aside.
    pub(crate) fn statuses(self) -> &'static [&'static str] {
        match self {
            Deal => &["open", "won", "lost"],
            Project => &["open", "completed", "canceled"],
            _ => &[],
        }
    }
}

/// Some list of v2 knows this parameter. What none knows is passed over.
pub(crate) fn is_known_param(name: &str) -> bool {
    SPECS.iter().any(|spec| spec.params.split(' ').any(|known| known == name))
}

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let known = SPECS.iter().find(|spec| spec.name == name);
        known.map(|spec| spec.kind).ok_or_else(|| format!("{name}: no kind of record"))
    }
}

impl From<Kind> for &'static str {
    fn from(kind: Kind) -> Self {
        kind.spec().name
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, SPECS};

    #[test]
    fn every_kind_stands_in_its_place() {
        for (place, spec) in SPECS.iter().enumerate() {
            assert_eq!(spec.kind as usize, place);
            assert_eq!(Kind::try_from(spec.name.to_owned()), Ok(spec.kind));
        }
    }
}
