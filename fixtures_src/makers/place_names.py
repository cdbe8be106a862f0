"""The places and names of the generated people: three invented countries with five languages."""

# Towns by county and country. All are invented; any resemblance to a real town is a coincidence.
GAZETTEER = {
    "Averland": {
        "Hollinshire": "Hollinby, Thornmouth, Ashwick Fell, Great Barrowdale, Little Barrowdale, Cragford, Elderholm, "
                       "Gorsegate, Hazelbeck, Lower Brackendale",
        "Fenmark": "Fenwater, Reedhythe, Sallowbridge, Oldmere, Mallardby, Eelpool, Withyham Staithe, Coldmarsh",
        "Westmoorland Dales": "Skelbeck, Ravensgill, Tarnby, Peelhow, Whinrigg, Kirkgarth, Stangwaite, Under Fell",
        "Saltcoastshire": "Saltwick Bay, Cobblehaven, Gannetsea, Lanternhead, Shingleford, Mariner's Quay, Kelpmouth, "
                          "Northstrand, Dunlin Sands",
        "Ironvale": "Furnace Hill, Colliersby, Bellowsbridge, Slagford, Anvilthorpe, Hammerwich Green, Cinderton",
    },
    "Estermark": {
        "Nordås": "Bråtvika, Ælvheim, Grønskog, Fjellhåven, Sølvøya, Kråkenesby, Tømmerås, Myrdalsætra",
        "Sjøland": "Havnsundet, Måkeøy, Torskevågen, Lyngholmen, Fyrnesset, Østre Bølgja, Vrakstranda, Seilvika",
        "Heiðarsveit": "Þokuvellir, Hraunbær, Álftanúpur, Steinkirkja, Gæsadalur Ytri, Öskuholt, Eyrartún, Ísgerði",
        "Södra Björklund": "Lövköping, Ängshult, Räverum, Gäddsjö, Mörtfors, Tranåsa, Bäckaholm, Älvsered Norra",
    },
    "Kolvaria": {
        "Верхнеречье": "Белокаменка, Соснов Бор, Журавлёво, Тихоозёрск, Кедровка, Медвежий Яр, Старомостье, "
                       "Липовка Дальняя",
        "Λιμνιά": "Ασπρόπετρα, Γλαρονήσι, Ελαιόφυτο, Μελισσοχώρι, Παλιόμυλος, Ανεμόρραχη, Κρυονέρι Λιμνιάς",
        "ზემოველი": "წყაროსთავი, ვაზიანეთი, კლდისუბანი, თეთრიხევი, მზისგული, ჭადრისი, ნისლიანი",
        "Wierzbno": "Dębogóra, Łosiówka, Żurawniki, Świerkowiec, Grzybkowo, Ćmielówek, Źródlice",
        "Vale d'Orme": "Saint-Aurèle, Châtelgris, Fontbrûlée, La Noiseraie, Évrelles, Montfaîné, Pont-l'Abeille",
    },
}  # fmt: skip

GIVEN = {
    "English": "Agnes Albert Alice Amos Annie Arthur Beatrice Bertram Catherine Cecil Clara Cyril Daisy Dorothy Edgar "
               "Edith Eliza Ellen Ernest Esther Ethel Fanny Florence Frances Frank Fred Geoffrey George Gladys Grace "
               "Hannah Harold Harriet Henry Herbert Hilda Ida Isaac Ivy Jane Jessie Joan John Joseph Kathleen Lilian "
               "Mabel Margaret Martha Maud Muriel Nellie Norman Olive Oswald Percy Phyllis Ralph Reginald Rose Ruth "
               "Sarah Sidney Stanley Susannah Thomas Victor Violet Walter Wilfred William Winifred",
    "Nordic": "Åse Åke Bjørn Guðrún Þórður Ægir Sigríður Þorgerður Jón Hallbjörg Søren Jørgen Gunhild Märta Östen "
              "Ingeborg Håkon Tove Sólveig Ragnheiður Ásgeir Ólöf Einar Kjell Sven Synnøve",
    "Russian": "Алексей Анна Борис Вера Григорий Дарья Евдокия Зинаида Иван Клавдия Лев Марфа Николай Ольга Пётр "
               "Семён Татьяна Фёдор",
    "Greek": "Αθανάσιος Βασιλική Γεώργιος Δέσποινα Ελένη Ζωή Ιωάννης Καλλιόπη Λεωνίδας Μαρία Νικόλαος "
             "Στυλιανός Χρυσάνθη",
    "Georgian": "ნინო გიორგი თამარ დავით ქეთევან ლევან მანანა ვახტანგ ელენე ზურაბ",
    "Western": "André Björn Céline Zoë José Łucja Władysław Zofia François Héloïse Żaneta Noël Stanisław Irène Çelik "
               "Agnieszka Benoît Małgorzata",
}  # fmt: skip
# Family names are a beginning and an ending.
FAMILY = {
    "English": (("Ash Bar Black Brad Brook Clay Cold Cross Dun Farn Gold Green Hay Heath Hol Kirk Lang Long Marsh Mid "
                 "Nor Oak Pen Rad Red Shar Stan Stock Thorn Wal Wat West Whit Wild Wood York"),
                "bourne bury by combe den field ford gate ham head ley man ridge shaw son stead stone ton well worth"),
    "Nordic": ("Þór Guð Jör Stein Hår Bjørn Sig Æg Ást Ljung Sjö Öst Grön Sølv Kråk Ing",
               "mundsson mundsdóttir gren ström berg land björnsson by nes kvist vall sen"),
    "Russian": ("Белоз Воробь Журавл Кузн Медвед Орл Сокол Тих Черн Яблок", "ёв енко овский яев енков ецкий"),
    "Greek": ("Παπαδ Γεωργ Νικολ Δημητρ Αναστασ Χριστοδουλ Κωνσταντιν", "όπουλος ίδης άκης ιάδης έας"),
    "Georgian": ("ბერ მაის კობალ წერეთ გელ ჭავჭავ ლომ", "იძე აშვილი ელი აძე იანი ური"),
    "Western": ("Łos Dęb Żur Sain Château Beau Frén Grün Müll Świerk Bréz Dél",
                "ński owicz tier mont rière haus çon court"),
}  # fmt: skip
# Weights of the languages in GIVEN's order, and of their towns, by country.
SPOKEN = {
    "Averland": [955, 12, 6, 5, 4, 18],
    "Estermark": [40, 900, 15, 5, 0, 40],
    "Kolvaria": [10, 5, 290, 240, 155, 300],
}
