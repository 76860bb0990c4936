"""Names of time zones as the original prints them for the date pattern letter ``z`` (locale en_US).

Data only. Each entry is one line of four names (short standard, short daylight, long standard, long daylight,
separated by bars) and below it, indented, the zones that bear them. The order matters: a name that several zones
share (CST, IST, …) means the first of them when a date is parsed, unless the workspace's own zone bears it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple


class ZoneNames(NamedTuple):
    """The four names of a zone, and the zone that a parsed name stands for."""

    short_standard: str
    short_daylight: str
    long_standard: str
    long_daylight: str
    zone: str


@lru_cache(maxsize=1)
def all_names() -> tuple[ZoneNames, ...]:
    """Every set of names, in the order in which they are tried."""
    return tuple(dict.fromkeys(_by_zone().values()))


def names_of(zone: str) -> ZoneNames | None:
    """The names of a zone, or None for a zone without names (it prints as ``GMT+08:00``)."""
    return _by_zone().get(zone)


@lru_cache(maxsize=1)
def _by_zone() -> dict[str, ZoneNames]:
    table: dict[str, ZoneNames] = {}
    names: list[str] = []
    first = ""
    for line in _TABLE.splitlines():
        if line and not line.startswith(" "):
            names, first = line.split("|"), ""
            continue
        for zone in line.split():
            first = first or zone
            table[zone] = ZoneNames(names[0], names[1], names[2], names[3], first)
    return table


_TABLE = """\
PST|PDT|Pacific Standard Time|Pacific Daylight Time
 America/Los_Angeles PST8PDT America/Tijuana America/Vancouver Canada/Pacific Mexico/BajaNorte
 America/Ensenada US/Pacific
MST|MDT|Mountain Standard Time|Mountain Daylight Time
 America/Denver America/Phoenix MST7MDT America/Boise America/Dawson America/Inuvik America/Creston
 America/Edmonton America/Shiprock America/Whitehorse America/Fort_Nelson America/Yellowknife
 America/Dawson_Creek America/Cambridge_Bay America/Ciudad_Juarez Canada/Yukon US/Arizona US/Mountain
 Canada/Mountain Navajo
CST|CDT|Central Standard Time|Central Daylight Time
 America/Chicago CST6CDT America/Belize America/Merida America/Regina America/Managua America/Ojinaga
 America/Resolute America/Winnipeg America/Chihuahua America/Guatemala America/Matamoros America/Menominee
 America/Monterrey America/Costa_Rica America/El_Salvador America/Mexico_City America/Rainy_River
 America/Tegucigalpa America/Indiana/Knox America/Rankin_Inlet America/Swift_Current America/Bahia_Banderas
 America/Indiana/Tell_City America/North_Dakota/Beulah America/North_Dakota/Center
 America/North_Dakota/New_Salem Mexico/General US/Central America/Knox_IN Canada/Central US/Indiana-Starke
 Canada/Saskatchewan
EST|EDT|Eastern Standard Time|Eastern Daylight Time
 America/New_York America/Indianapolis EST5EDT America/Cancun America/Cayman America/Nassau America/Panama
 America/Detroit America/Iqaluit America/Jamaica America/Nipigon America/Toronto America/Montreal
 America/Grand_Turk America/Louisville America/Pangnirtung America/Thunder_Bay America/Coral_Harbour
 America/Indiana/Vevay America/Port-au-Prince America/Indiana/Marengo America/Indiana/Winamac
 America/Indiana/Vincennes America/Indiana/Petersburg America/Kentucky/Monticello America/Fort_Wayne
 US/Michigan America/Kentucky/Louisville America/Atikokan America/Indiana/Indianapolis US/Eastern
 Canada/Eastern US/East-Indiana Jamaica
HST|HDT|Hawaii-Aleutian Standard Time|Hawaii-Aleutian Daylight Time
 Pacific/Honolulu US/Hawaii
AKST|AKDT|Alaska Standard Time|Alaska Daylight Time
 America/Anchorage America/Sitka America/Nome America/Juneau America/Yakutat America/Metlakatla US/Alaska
AST|ADT|Atlantic Standard Time|Atlantic Daylight Time
 America/Halifax America/Aruba America/Thule America/Antigua America/Curacao America/Grenada America/Marigot
 America/Moncton America/Tortola America/Anguilla America/Barbados America/Dominica America/St_Kitts
 America/St_Lucia Atlantic/Bermuda America/Glace_Bay America/Goose_Bay America/St_Thomas America/Guadeloupe
 America/Kralendijk America/Martinique America/Montserrat America/St_Vincent America/Puerto_Rico
 America/Blanc-Sablon America/Lower_Princes America/Port_of_Spain America/Santo_Domingo
 America/St_Barthelemy Canada/Atlantic America/Virgin
NST|NDT|Newfoundland Standard Time|Newfoundland Daylight Time
 America/St_Johns Canada/Newfoundland
CET|CEST|Central European Standard Time|Central European Summer Time
 Europe/Paris Europe/Oslo Europe/Rome Africa/Ceuta Africa/Tunis Europe/Malta Europe/Vaduz Europe/Berlin
 Europe/Madrid Europe/Monaco Europe/Prague Europe/Skopje Europe/Tirane Europe/Vienna Europe/Warsaw
 Europe/Zagreb Europe/Zurich Africa/Algiers Europe/Andorra Europe/Vatican Europe/Belgrade Europe/Brussels
 Europe/Budapest Europe/Busingen Europe/Sarajevo Europe/Amsterdam Europe/Gibraltar Europe/Ljubljana
 Europe/Podgorica Europe/Stockholm Europe/Bratislava Europe/Copenhagen Europe/Luxembourg Europe/San_Marino
 Atlantic/Jan_Mayen Arctic/Longyearbyen Poland
GMT|GMT|Greenwich Mean Time|Greenwich Mean Time
 GMT Etc/GMT Africa/Lome Africa/Dakar Africa/Bamako Africa/Banjul Africa/Bissau Africa/Abidjan
 Africa/Conakry Africa/Freetown Africa/Monrovia Africa/Sao_Tome Africa/Timbuktu Africa/Nouakchott
 Africa/Ouagadougou Atlantic/Reykjavik Atlantic/St_Helena America/Danmarkshavn Iceland Greenwich
 Etc/Greenwich
IST|IDT|Israel Standard Time|Israel Daylight Time
 Asia/Jerusalem Israel Asia/Tel_Aviv
JST|JDT|Japan Standard Time|Japan Daylight Time
 Asia/Tokyo Japan
EET|EEST|Eastern European Standard Time|Eastern European Summer Time
 Europe/Bucharest Asia/Gaza Asia/Amman Asia/Beirut Asia/Hebron Europe/Kiev Europe/Riga Africa/Cairo
 Asia/Nicosia Europe/Sofia Asia/Damascus Europe/Athens Africa/Tripoli Europe/Tallinn Europe/Vilnius
 Europe/Chisinau Europe/Helsinki Europe/Uzhgorod Europe/Mariehamn Europe/Zaporozhye Europe/Kaliningrad Libya
 Europe/Tiraspol Europe/Kyiv Egypt Europe/Nicosia
CST|CDT|China Standard Time|China Daylight Time
 Asia/Shanghai Asia/Macau Asia/Harbin Asia/Chongqing Asia/Chungking Asia/Macao PRC
UTC|UTC|Coordinated Universal Time|Coordinated Universal Time
 UTC Etc/UTC Universal Etc/Universal Etc/UCT Zulu Etc/Zulu UCT
ACST|ACDT|Australian Central Standard Time|Australian Central Daylight Time
 Australia/Darwin Australia/Adelaide Australia/Broken_Hill Australia/North Australia/Yancowinna
 Australia/South
AEST|AEDT|Australian Eastern Standard Time|Australian Eastern Daylight Time
 Australia/Currie Australia/Hobart Australia/Sydney Australia/Brisbane Australia/Lindeman
 Australia/Melbourne Antarctica/Macquarie Australia/Tasmania Australia/ACT Australia/Victoria
 Australia/Queensland Australia/Canberra Australia/NSW
BRT|BRST|Brasilia Standard Time|Brasilia Summer Time
 America/Bahia America/Belem America/Maceio America/Recife America/Santarem America/Araguaina
 America/Fortaleza America/Sao_Paulo Brazil/East
BDT|BDST|Bangladesh Standard Time|Bangladesh Summer Time
 Asia/Dhaka Asia/Dacca
CAT|CAST|Central Africa Time|Central African Summer Time
 Africa/Juba Africa/Harare Africa/Kigali Africa/Lusaka Africa/Maputo Africa/Blantyre Africa/Gaborone
 Africa/Khartoum Africa/Bujumbura Africa/Lubumbashi
EAT|EAST|East Africa Time|Eastern African Summer Time
 Africa/Asmera Indian/Comoro Africa/Kampala Africa/Nairobi Indian/Mayotte Africa/Djibouti Africa/Mogadishu
 Africa/Addis_Ababa Indian/Antananarivo Africa/Dar_es_Salaam Africa/Asmara
WSST|WSDT|Apia Standard Time|Apia Daylight Time
 Pacific/Apia
AMT|AMST|Armenia Standard Time|Armenia Summer Time
 Asia/Yerevan
NZST|NZDT|New Zealand Standard Time|New Zealand Daylight Time
 Pacific/Auckland Antarctica/McMurdo Antarctica/South_Pole NZ
PKT|PKST|Pakistan Standard Time|Pakistan Summer Time
 Asia/Karachi
SBT|SBST|Solomon Islands Time|Solomon Is. Summer Time
 Pacific/Guadalcanal
AST|ADT|Arabian Standard Time|Arabian Daylight Time
 Asia/Aden Asia/Qatar Asia/Kuwait Asia/Riyadh Asia/Baghdad Asia/Bahrain
AZT|AZST|Azerbaijan Standard Time|Azerbaijan Summer Time
 Asia/Baku
TLT|TLST|East Timor Time|Timor-Leste Summer Time
 Asia/Dili
HOVT|HOVST|Hovd Standard Time|Hovd Summer Time
 Asia/Hovd
OMST|OMSST|Omsk Standard Time|Omsk Summer Time
 Asia/Omsk
ORAT|ORAST|West Kazakhstan Time|Oral Summer Time
 Asia/Oral
AQTT|AQTST|West Kazakhstan Time|Aqtau Summer Time
 Asia/Aqtau
YAKT|YAKST|Yakutsk Standard Time|Yakutsk Summer Time
 Asia/Chita Asia/Yakutsk Asia/Khandyga
GST|GDT|Gulf Standard Time|Gulf Daylight Time
 Asia/Dubai Asia/Muscat
AFT|AFST|Afghanistan Time|Afghanistan Summer Time
 Asia/Kabul
KST|KDT|Korean Standard Time|Korean Daylight Time
 Asia/Seoul Asia/Pyongyang ROK
ALMT|ALMST|East Kazakhstan Time|Alma-Ata Summer Time
 Asia/Almaty
ANAT|ANAST|Anadyr Standard Time|Anadyr Summer Time
 Asia/Anadyr
AQTT|AQTST|West Kazakhstan Time|Aqtobe Summer Time
 Asia/Aqtobe
GMT+05:00|GMT+05:00|West Kazakhstan Time|Atyrau Daylight Time
 Asia/Atyrau
BNT|BNST|Brunei Darussalam Time|Brunei Summer Time
 Asia/Brunei
PST|PDT|Philippine Standard Time|Philippine Summer Time
 Asia/Manila
ICT|ICST|Indochina Time|Indochina Summer Time
 Asia/Saigon Asia/Bangkok Asia/Vientiane Asia/Phnom_Penh Asia/Ho_Chi_Minh
CST|CDT|Taipei Standard Time|Taipei Daylight Time
 Asia/Taipei
IRST|IRDT|Iran Standard Time|Iran Daylight Time
 Asia/Tehran Iran
SCT|SCST|Seychelles Time|Seychelles Summer Time
 Indian/Mahe
CHUT|CHUST|Chuuk Time|Chuuk Summer Time
 Pacific/Yap Pacific/Truk Pacific/Chuuk
GMT|GHST|Greenwich Mean Time|Ghana Summer Time
 Africa/Accra
WAT|WAST|West Africa Standard Time|West Africa Summer Time
 Africa/Lagos Africa/Bangui Africa/Douala Africa/Luanda Africa/Malabo Africa/Niamey Africa/Kinshasa
 Africa/Ndjamena Africa/Libreville Africa/Porto-Novo Africa/Brazzaville
HAST|HADT|Hawaii-Aleutian Standard Time|Hawaii-Aleutian Daylight Time
 America/Adak Pacific/Johnston America/Atka US/Aleutian
PET|PEST|Peru Standard Time|Peru Summer Time
 America/Lima
KGT|KGST|Kyrgyzstan Time|Kirgizstan Summer Time
 Asia/Bishkek
IST|IDT|India Standard Time|India Daylight Time
 Asia/Colombo Asia/Calcutta Asia/Kolkata
IRKT|IRKST|Irkutsk Standard Time|Irkutsk Summer Time
 Asia/Irkutsk
WIB|WIST|Western Indonesia Time|West Indonesia Summer Time
 Asia/Jakarta Asia/Pontianak
MYT|MYST|Malaysia Time|Malaysia Summer Time
 Asia/Kuching Asia/Kuala_Lumpur
MAGT|MAGST|Magadan Standard Time|Magadan Summer Time
 Asia/Magadan
MMT|MMST|Myanmar Time|Myanmar Summer Time
 Asia/Rangoon Asia/Yangon
GET|GEST|Georgia Standard Time|Georgia Summer Time
 Asia/Tbilisi
BTT|BTST|Bhutan Time|Bhutan Summer Time
 Asia/Thimphu Asia/Thimbu
MSK|MSD|Moscow Standard Time|Moscow Summer Time
 Europe/Minsk Europe/Moscow Europe/Simferopol W-SU
CCT|CCST|Cocos Islands Time|Cocos Islands Summer Time
 Indian/Cocos
FJT|FJST|Fiji Standard Time|Fiji Summer Time
 Pacific/Fiji
ChST|ChDT|Chamorro Standard Time|Chamorro Daylight Time
 Pacific/Guam Pacific/Saipan
NUT|NUST|Niue Time|Niue Summer Time
 Pacific/Niue
WAKT|WAKST|Wake Island Time|Wake Summer Time
 Pacific/Wake
SAST|SAST|South Africa Standard Time|South Africa Summer Time
 Africa/Maseru Africa/Mbabane Africa/Johannesburg
ART|ARST|Argentina Standard Time|Argentina Summer Time
 America/Jujuy America/Cordoba America/Mendoza America/Catamarca America/Buenos_Aires
 America/Argentina/Salta America/Argentina/Tucuman America/Argentina/Ushuaia America/Argentina/La_Rioja
 America/Argentina/San_Juan America/Argentina/San_Luis America/Argentina/Rio_Gallegos
 America/Argentina/Catamarca America/Argentina/Cordoba America/Argentina/Mendoza America/Argentina/Jujuy
 America/Argentina/ComodRivadavia America/Rosario America/Argentina/Buenos_Aires
TMT|TMST|Turkmenistan Standard Time|Turkmenistan Summer Time
 Asia/Ashgabat Asia/Ashkhabad
TJT|TJST|Tajikistan Time|Tajikistan Summer Time
 Asia/Dushanbe
WIT|EIST|Eastern Indonesia Time|East Indonesia Summer Time
 Asia/Jayapura
NPT|NPST|Nepal Time|Nepal Summer Time
 Asia/Katmandu Asia/Kathmandu
WITA|CIST|Central Indonesia Time|Central Indonesia Summer Time
 Asia/Makassar Asia/Ujung_Pandang
QOST|QOSST|East Kazakhstan Time|Kostanay Summer Time
 Asia/Qostanay
SAKT|SAKST|Sakhalin Standard Time|Sakhalin Summer Time
 Asia/Sakhalin
UZT|UZST|Uzbekistan Standard Time|Uzbekistan Summer Time
 Asia/Tashkent Asia/Samarkand
VLAT|VLAST|Vladivostok Standard Time|Vladivostok Summer Time
 Asia/Ust-Nera Asia/Vladivostok
GMT|IST|Greenwich Mean Time|Irish Standard Time
 Europe/Dublin Eire
GMT|BST|Greenwich Mean Time|British Summer Time
 Europe/Jersey Europe/London Europe/Belfast Europe/Guernsey Europe/Isle_of_Man GB-Eire GB
WET|WEST|Western European Standard Time|Western European Summer Time
 Europe/Lisbon Atlantic/Canary Atlantic/Faeroe Atlantic/Madeira Portugal Atlantic/Faroe
SAMT|SAMST|Samara Standard Time|Samara Summer Time
 Europe/Samara
IOT|IOST|Indian Ocean Time|Indian Ocean Territory Summer Time
 Indian/Chagos
VUT|VUST|Vanuatu Standard Time|Vanuatu Summer Time
 Pacific/Efate
NRT|NRST|Nauru Time|Nauru Summer Time
 Pacific/Nauru
PWT|PWST|Palau Time|Palau Summer Time
 Pacific/Palau
COT|COST|Colombia Standard Time|Colombia Summer Time
 America/Bogota
AMT|AMST|Amazon Standard Time|Amazon Summer Time
 America/Cuiaba America/Manaus America/Boa_Vista America/Porto_Velho America/Campo_Grande Brazil/West
GYT|GYST|Guyana Time|Guyana Summer Time
 America/Guyana
CST|CDT|Cuba Standard Time|Cuba Daylight Time
 America/Havana Cuba
BOT|BOST|Bolivia Time|Bolivia Summer Time
 America/La_Paz
HKT|HKST|Hong Kong Standard Time|Hong Kong Summer Time
 Asia/Hong_Kong Hongkong
PETT|PETST|Petropavlovsk-Kamchatski Standard Time|Petropavlovsk-Kamchatski Summer Time
 Asia/Kamchatka
QYZT|QYZST|West Kazakhstan Time|Qyzylorda Summer Time
 Asia/Qyzylorda
SGT|SGST|Singapore Standard Time|Singapore Summer Time
 Asia/Singapore Singapore
RET|REST|Réunion Time|Reunion Summer Time
 Indian/Reunion
EAST|EASST|Easter Island Standard Time|Easter Island Summer Time
 Pacific/Easter Chile/EasterIsland
KOST|KOSST|Kosrae Time|Kosrae Summer Time
 Pacific/Kosrae
MHT|MHST|Marshall Islands Time|Marshall Islands Summer Time
 Pacific/Majuro Pacific/Kwajalein Kwajalein
SST|SDT|Samoa Standard Time|Samoa Daylight Time
 Pacific/Midway Pacific/Pago_Pago Pacific/Samoa US/Samoa
NCT|NCST|New Caledonia Standard Time|New Caledonia Summer Time
 Pacific/Noumea
PONT|PONST|Ponape Time|Pohnpei Summer Time
 Pacific/Ponape Pacific/Pohnpei
TAHT|TAHST|Tahiti Time|Tahiti Summer Time
 Pacific/Tahiti
GILT|GILST|Gilbert Islands Time|Gilbert Is. Summer Time
 Pacific/Tarawa
WFT|WFST|Wallis & Futuna Time|Wallis & Futuna Summer Time
 Pacific/Wallis
CAT|WAT|Central Africa Time|Western African Time
 Africa/Windhoek
VET|VEST|Venezuela Time|Venezuela Summer Time
 America/Caracas
GFT|GFST|French Guiana Time|French Guiana Summer Time
 America/Cayenne
WGT|WGST|West Greenland Standard Time|West Greenland Summer Time
 America/Godthab America/Nuuk
FNT|FNST|Fernando de Noronha Standard Time|Fernando de Noronha Summer Time
 America/Noronha Brazil/DeNoronha
CHOT|CHOST|Ulaanbaatar Standard Time|Ulaanbaatar Summer Time
 Asia/Choibalsan
AZOT|AZOST|Azores Standard Time|Azores Summer Time
 Atlantic/Azores
ACWST|ACWDT|Australian Central Western Standard Time|Australian Central Western Daylight Time
 Australia/Eucla
AWST|AWDT|Australian Western Standard Time|Australian Western Daylight Time
 Australia/Perth Australia/West
MVT|MVST|Maldives Time|Maldives Summer Time
 Indian/Maldives
CHAST|CHADT|Chatham Standard Time|Chatham Daylight Time
 Pacific/Chatham NZ-CHAT
TKT|TKST|Tokelau Time|Tokelau Summer Time
 Pacific/Fakaofo
GAMT|GAMST|Gambier Time|Gambier Summer Time
 Pacific/Gambier
NFT|NFST|Norfolk Island Standard Time|Norfolk Island Daylight Time
 Pacific/Norfolk
PYT|PYST|Paraguay Standard Time|Paraguay Summer Time
 America/Asuncion
ACT|ACST|Acre Standard Time|Acre Summer Time
 America/Eirunepe America/Rio_Branco America/Porto_Acre Brazil/Acre
MST|MDT|Mexican Pacific Standard Time|Mexican Pacific Daylight Time
 America/Mazatlan America/Hermosillo Mexico/BajaSur
PMST|PMDT|St. Pierre & Miquelon Standard Time|St. Pierre & Miquelon Daylight Time
 America/Miquelon
CLT|CLST|Chile Standard Time|Chile Summer Time
 America/Santiago Chile/Continental
AWST|AWDT|Casey Time|Australian Western Daylight Time
 Antarctica/Casey
DAVT|DAVST|Davis Time|Davis Summer Time
 Antarctica/Davis
SYOT|SYOST|Syowa Time|Syowa Summer Time
 Antarctica/Syowa
GMT|CEST|Greenwich Mean Time|Central European Summer Time
 Antarctica/Troll
KRAT|KRAST|Krasnoyarsk Standard Time|Krasnoyarsk Summer Time
 Asia/Krasnoyarsk Asia/Novokuznetsk
NOVT|NOVST|Novosibirsk Standard Time|Novosibirsk Summer Time
 Asia/Novosibirsk
ULAT|ULAST|Ulaanbaatar Standard Time|Ulaanbaatar Summer Time
 Asia/Ulaanbaatar Asia/Ulan_Bator
FKT|FKST|Falkland Islands Standard Time|Falkland Islands Summer Time
 Atlantic/Stanley
MSK|MSD|Volgograd Standard Time|Volgograd Summer Time
 Europe/Volgograd
CXT|CXST|Christmas Island Time|Christmas Island Summer Time
 Indian/Christmas
TFT|TFST|French Southern & Antarctic Time|French Southern & Antarctic Lands Summer Time
 Indian/Kerguelen
MUT|MUST|Mauritius Standard Time|Mauritius Summer Time
 Indian/Mauritius
TVT|TVST|Tuvalu Time|Tuvalu Summer Time
 Pacific/Funafuti
PST|PDT|Pitcairn Time|Pitcairn Daylight Time
 Pacific/Pitcairn
ECT|ECST|Ecuador Time|Ecuador Summer Time
 America/Guayaquil
MAWT|MAWST|Mawson Time|Mawson Summer Time
 Antarctica/Mawson
VOST|VOSST|Vostok Time|Vostok Summer Time
 Antarctica/Vostok
PHOT|PHOST|Phoenix Islands Time|Phoenix Is. Summer Time
 Pacific/Enderbury
GALT|GALST|Galapagos Time|Galapagos Summer Time
 Pacific/Galapagos
MART|MARST|Marquesas Time|Marquesas Summer Time
 Pacific/Marquesas
CKT|CKHST|Cook Islands Standard Time|Cook Islands Half Summer Time
 Pacific/Rarotonga
TOT|TOST|Tonga Standard Time|Tonga Summer Time
 Pacific/Tongatapu
UYT|UYST|Uruguay Standard Time|Uruguay Summer Time
 America/Montevideo
SRT|SRST|Suriname Time|Suriname Summer Time
 America/Paramaribo
ROTT|ROTST|Rothera Time|Rothera Summer Time
 Antarctica/Rothera
YEKT|YEKST|Yekaterinburg Standard Time|Yekaterinburg Summer Time
 Asia/Yekaterinburg
LINT|LINST|Line Islands Time|Line Is. Summer Time
 Pacific/Kiritimati
CVT|CVST|Cape Verde Standard Time|Cape Verde Summer Time
 Atlantic/Cape_Verde
LHST|LHDT|Lord Howe Standard Time|Lord Howe Daylight Time
 Australia/Lord_Howe Australia/LHI
PST|PDT|Northwest Mexico Standard Time|Northwest Mexico Daylight Time
 America/Santa_Isabel
EGT|EGST|East Greenland Standard Time|East Greenland Summer Time
 America/Scoresbysund
PGT|PGST|Papua New Guinea Time|Papua New Guinea Summer Time
 Pacific/Port_Moresby
GST|GDT|South Georgia Time|South Georgia Daylight Time
 Atlantic/South_Georgia
DDUT|DDUST|Dumont-d’Urville Time|Dumont-d'Urville Summer Time
 Antarctica/DumontDUrville
XJT|XJDT|Xinjiang Standard Time|Xinjiang Daylight Time
 Asia/Kashgar Asia/Urumqi
CET|CEST|Central European Time|Central European Summer Time
 CET
TRT|TRST|Turkey Time|Turkey Summer Time
 Europe/Istanbul Asia/Istanbul Turkey
GMT+07:00|GMT+07:00|Tomsk Standard Time|Tomsk Daylight Time
 Asia/Tomsk
HST|HST|Hawaii Standard Time|Hawaii Standard Time
 HST
GMT+04:00|GMT+04:00|Saratov Standard Time|Saratov Standard Time
 Europe/Saratov
BST|BST|Bougainville Standard Time|Bougainville Daylight Time
 Pacific/Bougainville
GMT+07:00|GMT+07:00|Barnaul Standard Time|Barnaul Daylight Time
 Asia/Barnaul
EST|EST|Eastern Standard Time|Eastern Standard Time
 EST
MET|MEST|Middle Europe Time|Middle Europe Summer Time
 MET
WET|WEST|Western European Time|Western European Summer Time
 Africa/El_Aaiun Africa/Casablanca WET
CLT|CLST|Chile Time|Chile Summer Time
 Antarctica/Palmer
GMT-03:00|GMT-03:00|Punta Arenas Standard Time|Punta Arenas Standard Time
 America/Punta_Arenas
MSK|MSD|Moscow Standard Time|Moscow Daylight Time
 Europe/Kirov
GMT+13:00|GMT+13:00|Kanton Standard Time|Kanton Daylight Time
 Pacific/Kanton
GMT+04:00|GMT+04:00|Astrakhan Standard Time|Astrakhan Standard Time
 Europe/Astrakhan
MST|MST|Mountain Standard Time|Mountain Standard Time
 MST
EET|EEST|Eastern European Time|Eastern European Summer Time
 Asia/Famagusta EET
GMT+04:00|GMT+04:00|Ulyanovsk Standard Time|Ulyanovsk Standard Time
 Europe/Ulyanovsk
SRET|SREDT|Srednekolymsk Time|Srednekolymsk Daylight Time
 Asia/Srednekolymsk
"""
