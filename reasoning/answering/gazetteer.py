"""Names of countries and states, and the words that tell what a name is the name of."""

from reasoning.words import fold, stem

_COUNTRIES = """
    Afghanistan|Albania|Algeria|Andorra|Angola|Argentina|Armenia|Australia|Austria|Azerbaijan|Bahamas|
    Bahrain|Bangladesh|Barbados|Belarus|Belgium|Belize|Benin|Bhutan|Bolivia|Bosnia and Herzegovina|
    Botswana|Brazil|Brunei|Bulgaria|Burkina Faso|Burundi|Cambodia|Cameroon|Canada|Chad|Chile|China|
    Colombia|Comoros|Congo|Costa Rica|Croatia|Cuba|Cyprus|Czech Republic|Czechoslovakia|Denmark|Djibouti|
    Dominican Republic|East Timor|Ecuador|Egypt|El Salvador|England|Eritrea|Estonia|Ethiopia|Fiji|Finland|
    France|Gabon|Gambia|Georgia|Germany|Ghana|Great Britain|Greece|Greenland|Grenada|Guatemala|Guinea|
    Guyana|Haiti|Honduras|Hong Kong|Hungary|Iceland|India|Indonesia|Iran|Iraq|Ireland|Israel|Italy|
    Ivory Coast|Jamaica|Japan|Jordan|Kazakhstan|Kenya|Kosovo|Kuwait|Kyrgyzstan|Laos|Latvia|Lebanon|
    Lesotho|Liberia|Libya|Liechtenstein|Lithuania|Luxembourg|Macedonia|Madagascar|Malawi|Malaysia|
    Maldives|Mali|Malta|Mauritania|Mauritius|Mexico|Moldova|Monaco|Mongolia|Montenegro|Morocco|
    Mozambique|Myanmar|Namibia|Nepal|Netherlands|New Zealand|Nicaragua|Niger|Nigeria|North Korea|
    Northern Ireland|Norway|Oman|Pakistan|Palestine|Panama|Papua New Guinea|Paraguay|
    People's Republic of China|Peru|Philippines|Poland|Portugal|Prussia|Qatar|Republic of China|
    Republic of Ireland|Romania|Russia|Rwanda|Samoa|San Marino|Saudi Arabia|Scotland|Senegal|Serbia|
    Seychelles|Sierra Leone|Singapore|Slovakia|Slovenia|Somalia|South Africa|South Korea|South Sudan|
    Soviet Union|Spain|Sri Lanka|Sudan|Suriname|Swaziland|Sweden|Switzerland|Syria|Taiwan|Tajikistan|
    Tanzania|Thailand|Togo|Tonga|Trinidad and Tobago|Tunisia|Turkey|Turkmenistan|Uganda|Ukraine|
    United Arab Emirates|United Kingdom|United States|United States of America|Uruguay|Uzbekistan|Vanuatu|
    Vatican City|Venezuela|Vietnam|Wales|Yemen|Yugoslavia|Zambia|Zimbabwe|US|U.S.|USA|UK
"""
_STATES = """
    Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|
    Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|
    Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico|New York|
    North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|
    Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming|New South Wales|
    Queensland|Victoria|Tasmania|South Australia|Western Australia|Ontario|Quebec|British Columbia|Alberta|
    Manitoba|Saskatchewan|Nova Scotia|New Brunswick|Newfoundland|Bavaria|Saxony|Hesse|Maharashtra|Punjab|
    Kerala|Tamil Nadu|Karnataka|Gujarat|Rajasthan|Bihar|Assam|Odisha|Uttar Pradesh|Madhya Pradesh|
    Andhra Pradesh
"""
_CONTINENTS = "Africa|Antarctica|Asia|Europe|North America|South America|Oceania|America|Latin America|Eurasia"


def _set(names: str) -> frozenset[str]:
    return frozenset(fold(" ".join(name.split())) for name in names.split("|"))


COUNTRIES, STATES, CONTINENTS = _set(_COUNTRIES), _set(_STATES), _set(_CONTINENTS)

_NATIONALITIES = """
    American British English Scottish Welsh Irish French German Italian Spanish Portuguese Dutch Belgian Swiss
    Austrian Polish Russian Soviet Ukrainian Swedish Norwegian Danish Finnish Icelandic Greek Turkish Hungarian
    Czech Slovak Romanian Bulgarian Serbian Croatian Slovenian Albanian Canadian Mexican Brazilian Argentine
    Argentinian Chilean Colombian Peruvian Venezuelan Cuban Jamaican Australian Indian Pakistani Bangladeshi Chinese
    Japanese Korean Taiwanese Thai Vietnamese Filipino Indonesian Malaysian Singaporean Israeli Iranian Iraqi
    Egyptian Moroccan Algerian Tunisian Nigerian Ghanaian Kenyan Ethiopian African European Asian Jewish Catholic
    Christian Muslim Islamic Protestant Anglican Buddhist Hindu Roman Latin Estonian Latvian Lithuanian Armenian
    Georgian
"""
_NATIONS = """
    American United States|British United Kingdom|English England|Scottish Scotland|Welsh Wales|Irish Ireland|
    French France|German Germany|Italian Italy|Spanish Spain|Portuguese Portugal|Dutch Netherlands|Belgian Belgium|
    Swiss Switzerland|Austrian Austria|Polish Poland|Russian Russia|Soviet Soviet Union|Ukrainian Ukraine|
    Swedish Sweden|Norwegian Norway|Danish Denmark|Finnish Finland|Icelandic Iceland|Greek Greece|Turkish Turkey|
    Hungarian Hungary|Czech Czech Republic|Slovak Slovakia|Romanian Romania|Bulgarian Bulgaria|Serbian Serbia|
    Croatian Croatia|Slovenian Slovenia|Albanian Albania|Canadian Canada|Mexican Mexico|Brazilian Brazil|
    Argentine Argentina|Argentinian Argentina|Chilean Chile|Colombian Colombia|Peruvian Peru|Venezuelan Venezuela|
    Cuban Cuba|Jamaican Jamaica|Australian Australia|Indian India|Pakistani Pakistan|Bangladeshi Bangladesh|
    Chinese China|Japanese Japan|Taiwanese Taiwan|Thai Thailand|Vietnamese Vietnam|Filipino Philippines|
    Indonesian Indonesia|Malaysian Malaysia|Singaporean Singapore|Israeli Israel|Iranian Iran|Iraqi Iraq|
    Egyptian Egypt|Moroccan Morocco|Algerian Algeria|Tunisian Tunisia|Nigerian Nigeria|Ghanaian Ghana|Kenyan Kenya|
    Ethiopian Ethiopia|Estonian Estonia|Latvian Latvia|Lithuanian Lithuania|Armenian Armenia|Georgian Georgia
"""
OF_NATION = {nation: tuple(country) for nation, *country in (line.lower().split() for line in _NATIONS.split("|"))}
"""The country of each nationality: who is Norwegian is of Norway."""
NATIONALITIES = frozenset(word.lower() for word in _NATIONALITIES.split())

_KINDS = """
    river lake sea ocean bay mountain mountains hills hill range island islands county district province state city
    town village municipality parish region territory peninsula valley harbour port street avenue road park airport
    station bridge university college school institute academy museum gallery library church cathedral castle palace
    hospital hotel theatre prize award medal cup league association society club party company corporation records
    band orchestra army war battle treaty act agreement championship tournament festival magazine newspaper journal
    building tower lighthouse stadium foundation museum house union federation family empire kingdom dynasty
    republic line railway ship community center centre council court department ministry agency bank press studios
    entertainment films pictures language falls creek desert forest canyon cape gulf strait borough township
    congress parliament cabinet senate assembly committee commission
"""
KIND_WORDS = frozenset(stem(word) for word in _KINDS.split())
"""Nouns that are part of names and tell what is named: `River Aldous`, `DuPage County`."""

_TITLES = """
    mr mrs ms dr sir lord lady captain king queen prince princess president general colonel major professor saint st
    pope emperor senator governor count duke baron judge justice admiral lieutenant sergeant rev reverend bishop
    archbishop actor actress singer director writer author producer composer artist painter engineer architect
    drummer guitarist brother sister son daughter wife husband father mother hon honourable honorable vice prime
    minister chancellor chairman secretary empress duchess marshal commander mayor premier ambassador coach
"""
PERSON_TITLES = frozenset(_TITLES.split())

_GIVEN = """
    aaron adam adrian agnes alan albert alex alexander alexandra alfred alice alison allan allen amanda amy andrew
    andy angela ann anna anne annie anthony antonio arnold arthur audrey aurelia barbara barry ben benjamin bernard
    bert beth betty bill billy bob bobby brad brandon brenda brian bruce bryan carl carlo carlos carol caroline
    catherine cecilia charles charlie charlotte chris christian christina christine christopher claire clara claude
    colin craig cynthia dale dan daniel danny david dean deborah denis dennis diana diane dick don donald donna
    dorothy doug douglas duncan dustin earl ed eddie edgar edith edmund edward edwin eleanor elena elisabeth
    elizabeth ellen emil emily emma eric ernest erwin eugene eva evan evelyn florence frances francis francisco
    frank franz fred frederick friedrich gary gene geoffrey georg george gerald gerard gilbert giovanni glenn gordon
    grace graham greg gregory gustav guy hannah hans harold harriet harry harvey heather hector helen helena henri
    henry herbert herman hilary howard hugh hugo ian ines ingrid irene iris isaac isabel isabella ivan jack jacob
    jacques jake james jamie jan jane janet jason jay jean jeff jeffrey jennifer jeremy jerry jesse jessica jill jim
    jimmy joan joe joel johann john johnny jon jonathan jordan jorge jose josef joseph josh joshua josiah joyce juan
    judith judy julia julian julie justin karen karl kate katherine kathleen kathy keith kelly ken kenneth kevin kim
    klaus kurt kyle lance larry laura laurence lawrence lee len leo leon leonard leonardo leslie lewis lillian linda
    lisa liz lloyd lois louis louise lucas lucy luis luke lydia lynn marc marcel marco marcus margaret maria marie
    marilyn mario marion mark martha martin marvin mary matt matthew maurice max megan melissa michael michel
    michelle miguel mike mildred miriam morgan nancy nathan neil nicholas nick nicolas nicole nigel nina noel nora
    norman oliver olivia oscar otto owen pamela pat patricia patrick paul paula pedro peggy percy peter petra phil
    philip phillip phyllis pierre rachel ralph ray raymond rebecca renee richard rick robert roberto robin roger
    roland ron ronald rosa rose ross roy ruby rudolf russell ruth ryan sally sam samantha samuel sandra sara sarah
    scott sean sharon sheila shirley simon sofia sophia sophie spencer stanley stefan stella stephanie stephen steve
    steven stewart stuart susan suzanne sylvia ted teresa terry theodore theresa thomas tim timothy tobias todd tom
    tommy tony tracy tyler ursula valerie vera vernon veronica victor victoria vincent violet virginia vivian
    vladimir walter wanda warren wayne wendy wilhelm will willi william winston yvonne
"""
GIVEN_NAMES = frozenset(_GIVEN.split())
