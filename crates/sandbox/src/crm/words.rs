//! Words that generated records are made of.

pub(super) const FIRST: [&str; 20] = [
    "Amina", "Bastian", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kadri",
    "Lucía", "Mateo", "Noor", "Oskar", "Priya", "Quentin", "Rosa", "Søren", "Tomasz",
];

pub(super) const LAST: [&str; 20] = [
    "Alvarez",
    "Bauer",
    "Cohen",
    "Dvořák",
    "Eriksen",
    "Ferrari",
    "García",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kask",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Okafor",
    "Petrov",
    "Rossi",
    "Schmidt",
    "Tamm",
    "Weber",
];

pub(super) const COMPANY: [&str; 16] = [
    "Alder",
    "Brightwater",
    "Cobalt",
    "Driftwood",
    "Ember",
    "Foxglove",
    "Granite",
    "Harbour",
    "Indigo",
    "Juniper",
    "Kestrel",
    "Lantern",
    "Meridian",
    "Northgate",
    "Orchard",
    "Pinecrest",
];

pub(super) const TRADE: [&str; 10] = [
    "Logistics",
    "Foods",
    "Robotics",
    "Textiles",
    "Energy",
    "Media",
    "Dental",
    "Software",
    "Timber",
    "Travel",
];

pub(super) const FORM: [&str; 5] = ["GmbH", "Ltd", "OÜ", "AB", "S.L."];

pub(super) const SUBJECT: [&str; 10] = [
    "annual licence",
    "pilot",
    "renewal",
    "rollout",
    "support contract",
    "training",
    "migration",
    "expansion",
    "consulting days",
    "hardware refresh",
];

/// City, country, and a postal code.
pub(super) const PLACE: [(&str, &str, &str); 8] = [
    ("Berlin", "Germany", "10405"),
    ("Tallinn", "Estonia", "10111"),
    ("Madrid", "Spain", "28004"),
    ("Lyon", "France", "69002"),
    ("Gothenburg", "Sweden", "411 06"),
    ("Brno", "Czechia", "602 00"),
    ("Porto", "Portugal", "4050-253"),
    ("Utrecht", "Netherlands", "3511 AB"),
];

pub(super) const STREET: [&str; 6] =
    ["Mill Lane", "Station Road", "Harbour Street", "Linden Avenue", "Market Square", "Castle Hill"];

pub(super) const LOST: [&str; 4] = ["Price", "No budget this year", "Chose another vendor", "No answer"];

pub(super) const PRODUCT: [&str; 8] = [
    "Desk licence",
    "Support hours",
    "Label printer",
    "Wärmepumpe",
    "Training day",
    "Sensor kit",
    "Data plan",
    "Spare parts",
];

pub(super) const REMARK: [&str; 12] = [
    "Call back after the holidays",
    "Wants a second offer",
    "Met at the fair in Tallinn",
    "Budget is decided in spring",
    "Ask for the \"green\" variant",
    "Schickt die Unterlagen nach",
    "Prefers mail; never calls",
    "お客様は来週決定します",
    "Two sites, one contract",
    "It's urgent 🔥",
    "50% discount promised?",
    "Introduced by a partner",
];
