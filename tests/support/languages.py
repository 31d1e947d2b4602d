"""Short texts about films in many languages, written for this project."""

# ruff: noqa: RUF001
from __future__ import annotations

__all__ = ["ENGLISH", "FILMS"]

FILMS = {
    "es": (
        (
            "Una joven periodista regresa a su pueblo natal para investigar la "
            "desaparición de su hermana y descubre un secreto que todos han callado "
            "durante años."
        ),
        "Dos hermanos roban un banco.",
        ("María Fernández y Carlos Ortega viajan con Lucía Romero de Sevilla a Buenos Aires."),
        "UN DETECTIVE PERSIGUE A UN ASESINO EN LAS CALLES DE MADRID.",
    ),
    "fr": (
        (
            "Un vieux pêcheur recueille un enfant abandonné sur la plage et tente de le "
            "protéger de ceux qui le recherchent."
        ),
        "Une femme seule dans la nuit.",
        "Jean Dupont et Claire Moreau retrouvent Luc Bernard à Marseille avec Sophie.",
        "DEUX AMIS PARTENT EN VOYAGE AVANT LA FIN DU MONDE.",
    ),
    "de": (
        (
            "Ein ehemaliger Soldat kehrt nach dem Krieg in sein Dorf zurück und muss "
            "feststellen, dass nichts mehr so ist, wie es einmal war."
        ),
        "Die letzte Reise einer Familie.",
        "Hans Müller und Greta Schneider treffen Karl Weber in Hamburg und Berlin.",
        "EIN KOMMISSAR JAGT DEN MÖRDER SEINER FRAU DURCH DIE STADT.",
    ),
    "it": (
        (
            "Un giovane cuoco apre un piccolo ristorante a Napoli e deve difendersi dalla"
            " malavita che vuole il suo locale."
        ),
        "Due sorelle e un segreto.",
        "Marco Rossi e Giulia Bianchi incontrano Paolo Conti a Roma con Elena.",
        "UN POLIZIOTTO CERCA LA VERITÀ SULLA MORTE DEL FRATELLO.",
    ),
    "pt": (
        (
            "Uma professora do interior luta para manter aberta a escola da aldeia "
            "enquanto os seus alunos partem para a cidade."
        ),
        "Um homem perdido na floresta.",
        "João Silva e Ana Pereira encontram Pedro Costa em Lisboa com a Marta.",
        "UMA FAMÍLIA TENTA SOBREVIVER À SECA NO SERTÃO.",
    ),
    "nl": (
        (
            "Een jonge boerin erft het bedrijf van haar vader en moet vechten om het land"
            " te behouden tegen een grote onderneming."
        ),
        "Twee vrienden gaan op reis.",
        "Jan de Vries en Anneke Bakker ontmoeten Piet Jansen in Rotterdam met Sanne.",
        "EEN AGENT ZOEKT NAAR DE MOORDENAAR VAN ZIJN ZOON.",
    ),
    "pl": (
        (
            "Młody lekarz wraca do rodzinnej wsi, gdzie odkrywa, że mieszkańcy ukrywają "
            "mroczną tajemnicę sprzed lat."
        ),
        "Dwie siostry i jeden dom.",
        "Jan Kowalski i Anna Nowak spotykają Piotra Wiśniewskiego w Krakowie.",
        "DETEKTYW ŚCIGA MORDERCĘ PO ULICACH WARSZAWY.",
    ),
    "tr": (
        (
            "Genç bir öğretmen köyüne döner ve yıllar önce kaybolan kardeşinin izini "
            "sürmeye başlar, ancak kimse konuşmak istemez."
        ),
        "İki kardeşin hikayesi.",
        "Ahmet Yılmaz ve Ayşe Demir İstanbul'da Mehmet Kaya ile buluşur.",
        "BİR POLİS KARISININ KATİLİNİ ARIYOR.",
    ),
    "sv": (
        (
            "En ung kvinna flyttar till en avlägsen ö för att skriva sin första roman men"
            " upptäcker att hon inte är ensam i huset."
        ),
        "Två bröder och en hemlighet.",
        "Lars Andersson och Ingrid Nilsson möter Erik Lund i Stockholm.",
        "EN POLIS JAGAR SIN BRORS MÖRDARE GENOM NATTEN.",
    ),
    "id": (
        (
            "Seorang guru muda kembali ke desanya untuk mencari adiknya yang hilang dan "
            "menemukan rahasia yang disembunyikan oleh semua orang."
        ),
        "Dua sahabat pergi ke kota.",
        "Budi Santoso dan Siti Rahayu bertemu Agus Wijaya di Jakarta.",
        "SEORANG POLISI MENCARI PEMBUNUH ISTRINYA.",
    ),
    "vi": (
        (
            "Một cô giáo trẻ trở về làng quê để tìm người em trai mất tích và phát hiện "
            "ra bí mật mà mọi người che giấu."
        ),
        "Hai anh em và một bí mật.",
        "Nguyễn Văn An và Trần Thị Mai gặp Lê Minh ở Hà Nội.",
        "MỘT CẢNH SÁT TRUY TÌM KẺ GIẾT VỢ MÌNH.",
    ),
    "ro": (
        (
            "Un tânăr profesor se întoarce în satul natal ca să afle ce s-a întâmplat cu "
            "sora lui dispărută cu mulți ani în urmă."
        ),
        "Doi frați și un secret.",
        "Ion Popescu și Maria Ionescu se întâlnesc cu Andrei la București.",
        "UN POLIȚIST CAUTĂ CRIMINALUL SOȚIEI SALE.",
    ),
    "da": (
        (
            "En ung lærer vender tilbage til sin hjemby for at finde sin forsvundne "
            "søster og opdager en hemmelighed, som alle har skjult."
        ),
        "To brødre og en hemmelighed.",
        "Lars Jensen og Mette Hansen møder Peter Nielsen i København.",
        "EN BETJENT JAGTER SIN KONES MORDER.",
    ),
    "fi": (
        (
            "Nuori opettaja palaa kotikyläänsä etsimään kadonnutta sisartaan ja löytää "
            "salaisuuden, jonka kaikki ovat vaienneet."
        ),
        "Kaksi veljestä ja salaisuus.",
        "Matti Virtanen ja Liisa Korhonen tapaavat Pekka Mäkisen Helsingissä.",
        "POLIISI ETSII VAIMONSA MURHAAJAA.",
    ),
    "cs": (
        (
            "Mladý učitel se vrací do rodné vesnice, aby našel svou zmizelou sestru, a "
            "objeví tajemství, o kterém všichni mlčí."
        ),
        "Dva bratři a jedno tajemství.",
        "Jan Novák a Marie Svobodová potkají Petra Dvořáka v Praze.",
        "POLICISTA HLEDÁ VRAHA SVÉ ŽENY.",
    ),
    "ru": (
        ("Молодой учитель возвращается в родную деревню и узнаёт тайну, о которой все молчат."),
        "Два брата.",
        "Иван Петров и Анна Смирнова встречают Олега в Москве.",
        "ПОЛИЦЕЙСКИЙ ИЩЕТ УБИЙЦУ СВОЕЙ ЖЕНЫ.",
    ),
    "ja": (
        "若い教師が故郷の村に戻り、誰も語らない秘密を知る。",
        "二人の兄弟の物語。",
        "田中太郎と山田花子が東京で出会う。",
        "刑事が妻を殺した犯人を追う。",
    ),
    "ko": (
        "젊은 교사가 고향 마을로 돌아와 모두가 숨긴 비밀을 알게 된다.",
        "두 형제의 이야기.",
        "김민수와 이영희가 서울에서 만난다.",
        "형사가 아내의 살인범을 쫓는다.",
    ),
    "zh": (
        "年轻的老师回到家乡,发现了所有人都隐瞒的秘密。",
        "两兄弟的故事。",
        "王伟和李娜在北京相遇。",
        "警察追捕杀害妻子的凶手。",
    ),
    "ar": (
        "يعود معلم شاب إلى قريته ليكتشف سرا أخفاه الجميع.",
        "قصة شقيقين.",
        "أحمد علي وفاطمة حسن يلتقيان في القاهرة.",
        "شرطي يبحث عن قاتل زوجته.",
    ),
}
"""Code of ISO 639-1 -> an overview, a short text, one full of names, and one in capitals."""

ENGLISH = (
    "Two brothers rob a bank.",
    "A woman alone at night.",
    "The last voyage of a family.",
    "Love hurts.",
    "Stand-up special.",
    "No plot.",
    "Coming soon.",
    "Biopic of a boxer.",
    "Zombies attack Paris.",
    "Live concert.",
    "Pedro Almodóvar directs Penélope Cruz in Madrid.",
    "Jean-Pierre Dupont meets Amélie Poulain in Montmartre.",
    "Hans Müller hunts Greta Schneider across Berlin and München.",
    "A DETECTIVE HUNTS A KILLER IN THE STREETS OF CHICAGO.",
    "ZOMBIES! NAZIS! SHARKS!",
    "Documentary about Rembrandt van Rijn.",
    "Don Giovanni, Mozart's opera, at La Scala di Milano.",
    "Goku and Vegeta fight Frieza on Namek.",
    "Jackie Chan.",
    "Drama in three acts.",
)
"""English texts that say little, many with foreign names."""
