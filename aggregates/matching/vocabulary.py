"""Words that stand beside a name without being the name, and short forms of words; all folded."""


def words(listed: str) -> frozenset[str]:
    """The words of a list that is written with spaces."""
    return frozenset(listed.split())


TITLES = words(
    "dr doctor prof professor sir dame lord lady mr mrs ms miss mister president chancellor senator sen governor "
    "gov mayor queen king prince princess emperor empress pope captain capt colonel col general gen lieutenant lt "
    "major maj sergeant sgt admiral saint st hon honourable honorable rev reverend father sister brother judge "
    "justice herr frau monsieur madame mme mlle senor senora signor signora don dona sheikh sultan rabbi imam "
    "baron baroness count countess duke duchess inspector detective ambassador minister secretary representative "
    "rep"
)
"""In front of a person's name."""

DEGREES = words("phd md mba msc bsc ba ma esq esquire dds jd llm obe mbe cbe frs ret")
"""Behind a person's name; they tell nobody apart."""

GENERATIONS = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr"}
"""Behind a person's name; they tell father from son."""

PARTICLES = words("v van von vom zu zum de der den del della di da do dos du la le el al bin ibn ben ter ten")
"""Within a person's name; sources write or leave them as they like."""

LEGAL_FORMS = words(
    "inc incorporated corp corporation co company cos ltd limited llc llp lp plc gmbh mbh ag kg kgaa ohg ug se sa "
    "sas sarl srl sl spa nv bv ab as asa aps oy oyj pvt pte pty kk ooo oao pao zao ao"
)
"""At the end of an organisation's name."""

JOINING = words("of the and for in on at to a an fur und der die das des de la le du del et y e i von van & 's")
"""Words that carry no content: they give an abbreviation no letter, or one, as its makers like."""

EXPANSIONS = {
    "intl": "international",
    "natl": "national",
    "univ": "university",
    "dept": "department",
    "inst": "institute",
    "assn": "association",
    "assoc": "association",
    "govt": "government",
    "mt": "mount",
    "ft": "fort",
    "st": "saint",
    "bros": "brothers",
    "mfg": "manufacturing",
    "centre": "center",
    "theatre": "theater",
    "harbour": "harbor",
    "labour": "labor",
    "defence": "defense",
    "programme": "program",
    "ctr": "center",
    "lab": "laboratory",
    "min": "ministry",
}
"""A short form, or another spelling, of a word of a name that is no person's."""

_GIVEN_NAMES = """
    william bill will billy; robert bob rob bobby; thomas tom tommy; james jim jimmy; john jack johnny; michael mike;
    richard rick dick; elizabeth liz beth; margaret maggie peggy; steven stephen steve; katherine catherine kate kathy;
    edward ed ted; charles charlie chuck; daniel dan danny; david dave; joseph joe; anthony tony; christopher chris;
    matthew matt; samuel sam; benjamin ben; andrew andy drew; alexander alex; gregory greg; patricia pat; susan sue;
    jennifer jenny; nicholas nick; ronald ron; donald don; kenneth ken; philip phil; frederick fred; theodore theo;
    abraham abe; lawrence larry; leonard len; walter walt; eugene gene; gerald gerry jerry; raymond ray
    """
GIVEN_NAMES = {name: group.split()[0] for group in _GIVEN_NAMES.split(";") for name in group.split()}
"""A given name, in any of its forms, to one form."""

_GROUPS = {
    "person": "PERSON PER PEOPLE",
    "organisation": "ORG ORGANIZATION ORGANISATION COMPANY",
    "people": "NORP",
    "place": "GPE LOC LOCATION FAC PLACE",
    "thing": "PRODUCT WORK_OF_ART EVENT LAW LANGUAGE",
}
GROUPS = {kind: group for group, kinds in _GROUPS.items() for kind in kinds.split()}
"""A model's type to the sort of thing that it is. Types that are not here (NAME, MISC) say nothing."""
