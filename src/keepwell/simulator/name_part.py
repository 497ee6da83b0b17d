"""Parts of fictional names. Nobody here is real; mail addresses are under example.com, which is nobody's."""

NAMED_ACCOUNTS = ("Acme", "Borealis", "Cobalt")
FIRST_PARTS = (
    "Amber", "Ash", "Birch", "Bright", "Brook", "Cedar", "Clear", "Copper", "Crane", "Dune", "Elder", "Ember",
    "Fern", "Flint", "Frost", "Gable", "Glen", "Grey", "Harbour", "Hazel", "Heron", "Iron", "Ivory", "Juniper",
    "Kestrel", "Lantern", "Larch", "Linden", "Maple", "Marble", "Marsh", "Meadow", "Moss", "North", "Oak", "Orchard",
    "Pearl", "Pine", "Quarry", "Quill", "Raven", "Reed", "River", "Rowan", "Saffron", "Sage", "Silver", "Slate",
    "Sparrow", "Stone", "Summit", "Tansy", "Thorn", "Tide", "Vale", "Velvet", "Walnut", "Willow", "Winter", "Wren",
)  # fmt: skip
SECOND_PARTS = (
    "Analytics", "Bakeries", "Biotech", "Builders", "Carriers", "Clinics", "Energy", "Foods", "Freight", "Gardens",
    "Hotels", "Insurance", "Labs", "Learning", "Legal", "Logistics", "Media", "Motors", "Optics", "Outfitters",
    "Press", "Robotics", "Software", "Studios", "Systems", "Textiles", "Travel", "Water", "Works", "Yards",
)  # fmt: skip
FIRST_NAMES = (
    "Ada", "Amir", "Anja", "Ben", "Carla", "Chidi", "Dana", "Deniz", "Elif", "Emil", "Farah", "Felix", "Greta",
    "Hana", "Hugo", "Ines", "Ivan", "Jana", "Jonas", "Kaito", "Karin", "Lea", "Liam", "Mara", "Mateo", "Mina",
    "Nadia", "Nils", "Nora", "Oscar", "Paula", "Priya", "Quinn", "Rafael", "Ravi", "Rosa", "Sam", "Selma", "Tariq",
    "Tessa", "Tomas", "Uma", "Vera", "Viktor", "Wanda", "Yara", "Yusuf", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Abel", "Adler", "Baker", "Barros", "Berg", "Brandt", "Castro", "Chen", "Costa", "Dahl", "Diaz", "Engel",
    "Falk", "Ferro", "Gray", "Haas", "Hale", "Ito", "Jansen", "Kaya", "Keller", "Khan", "Kovac", "Lang", "Lind",
    "Lopez", "Maier", "Moreau", "Nakai", "Novak", "Okafor", "Olsen", "Patel", "Petit", "Quist", "Rossi", "Roth",
    "Sato", "Silva", "Stern", "Tanaka", "Ueda", "Varga", "Weber", "Wolf", "Yilmaz", "Young", "Zeller",
)  # fmt: skip
# Country, time zone and its standard offset from UTC in hours; summer time is left out.
PLACES = (
    ("US", "America/New_York", -5),
    ("US", "America/Los_Angeles", -8),
    ("GB", "Europe/London", 0),
    ("DE", "Europe/Berlin", 1),
    ("FR", "Europe/Paris", 1),
    ("BR", "America/Sao_Paulo", -3),
    ("IN", "Asia/Kolkata", 5.5),
    ("JP", "Asia/Tokyo", 9),
    ("AU", "Australia/Sydney", 10),
)
