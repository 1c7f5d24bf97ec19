package settings

import "strings"

// zoneGroups are the time zones that a member can choose, by the part of the world that their names begin with: those of
// the tz database that differ since 1970, and some cities that people there look for. UTC is the choice of none.
func zoneGroups() []zoneGroup {
	return []zoneGroup{
		{"Africa", strings.Fields(`
			Abidjan Accra Addis_Ababa Algiers Bissau Cairo Casablanca Ceuta Dakar Dar_es_Salaam El_Aaiun Harare
			Johannesburg Juba Kampala Khartoum Kinshasa Lagos Luanda Lusaka Maputo Monrovia Nairobi Ndjamena Sao_Tome
			Tripoli Tunis Windhoek`)},
		{"America", strings.Fields(`
			Adak Anchorage Araguaina Argentina/Buenos_Aires Argentina/Catamarca Argentina/Cordoba Argentina/Jujuy
			Argentina/La_Rioja Argentina/Mendoza Argentina/Rio_Gallegos Argentina/Salta Argentina/San_Juan
			Argentina/San_Luis Argentina/Tucuman Argentina/Ushuaia Asuncion Bahia Bahia_Banderas Barbados Belem Belize
			Boa_Vista Bogota Boise Cambridge_Bay Campo_Grande Cancun Caracas Cayenne Chicago Chihuahua Ciudad_Juarez
			Costa_Rica Coyhaique Cuiaba Danmarkshavn Dawson Dawson_Creek Denver Detroit Edmonton Eirunepe El_Salvador
			Fort_Nelson Fortaleza Glace_Bay Goose_Bay Grand_Turk Guatemala Guayaquil Guyana Halifax Havana Hermosillo
			Indiana/Indianapolis Indiana/Knox Indiana/Marengo Indiana/Petersburg Indiana/Tell_City Indiana/Vevay
			Indiana/Vincennes Indiana/Winamac Inuvik Iqaluit Jamaica Juneau Kentucky/Louisville Kentucky/Monticello La_Paz
			Lima Los_Angeles Maceio Managua Manaus Martinique Matamoros Mazatlan Menominee Merida Metlakatla Mexico_City
			Miquelon Moncton Monterrey Montevideo New_York Nome Noronha North_Dakota/Beulah North_Dakota/Center
			North_Dakota/New_Salem Nuuk Ojinaga Panama Paramaribo Phoenix Port-au-Prince Porto_Velho Puerto_Rico
			Punta_Arenas Rankin_Inlet Recife Regina Resolute Rio_Branco Santarem Santiago Santo_Domingo Sao_Paulo
			Scoresbysund Sitka St_Johns Swift_Current Tegucigalpa Thule Tijuana Toronto Vancouver Whitehorse Winnipeg
			Yakutat`)},
		{"Antarctica", strings.Fields(`
			Casey Davis Macquarie Mawson Palmer Rothera Troll Vostok`)},
		{"Asia", strings.Fields(`
			Almaty Amman Anadyr Aqtau Aqtobe Ashgabat Atyrau Baghdad Bahrain Baku Bangkok Barnaul Beirut Bishkek Chita
			Colombo Damascus Dhaka Dili Dubai Dushanbe Famagusta Gaza Hebron Ho_Chi_Minh Hong_Kong Hovd Irkutsk Jakarta
			Jayapura Jerusalem Kabul Kamchatka Karachi Kathmandu Khandyga Kolkata Krasnoyarsk Kuching Kuwait Macau Magadan
			Makassar Manila Muscat Nicosia Novokuznetsk Novosibirsk Omsk Oral Phnom_Penh Pontianak Pyongyang Qatar
			Qostanay Qyzylorda Riyadh Sakhalin Samarkand Seoul Shanghai Singapore Srednekolymsk Taipei Tashkent Tbilisi
			Tehran Thimphu Tokyo Tomsk Ulaanbaatar Urumqi Ust-Nera Vientiane Vladivostok Yakutsk Yangon Yekaterinburg
			Yerevan`)},
		{"Atlantic", strings.Fields(`
			Azores Bermuda Canary Cape_Verde Faroe Madeira Reykjavik South_Georgia Stanley`)},
		{"Australia", strings.Fields(`
			Adelaide Brisbane Broken_Hill Darwin Eucla Hobart Lindeman Lord_Howe Melbourne Perth Sydney`)},
		{"Europe", strings.Fields(`
			Amsterdam Andorra Astrakhan Athens Belgrade Berlin Bratislava Brussels Bucharest Budapest Chisinau Copenhagen
			Dublin Gibraltar Helsinki Istanbul Kaliningrad Kirov Kyiv Lisbon Ljubljana London Luxembourg Madrid Malta
			Minsk Moscow Oslo Paris Prague Riga Rome Samara Sarajevo Saratov Simferopol Skopje Sofia Stockholm Tallinn
			Tirane Ulyanovsk Vienna Vilnius Volgograd Warsaw Zagreb Zurich`)},
		{"Indian", strings.Fields(`
			Antananarivo Chagos Maldives Mauritius`)},
		{"Pacific", strings.Fields(`
			Apia Auckland Bougainville Chatham Easter Efate Fakaofo Fiji Galapagos Gambier Guadalcanal Guam Honolulu
			Kanton Kiritimati Kosrae Kwajalein Marquesas Nauru Niue Norfolk Noumea Pago_Pago Palau Pitcairn Port_Moresby
			Rarotonga Tahiti Tarawa Tongatapu`)},
	}
}

type zoneGroup struct {
	name   string
	cities []string // behind the slash
}

// Zone reports whether a name is one of those that a member can choose; empty, for UTC, is one.
func Zone(name string) bool {
	if name == "" {
		return true
	}
	for _, g := range zoneGroups() {
		for _, city := range g.cities {
			if name == g.name+"/"+city {
				return true
			}
		}
	}
	return false
}

// cityText is how a city's name is read: "Port of Spain", "Argentina, Salta".
func cityText(city string) string {
	return strings.ReplaceAll(strings.ReplaceAll(city, "_", " "), "/", ", ")
}
