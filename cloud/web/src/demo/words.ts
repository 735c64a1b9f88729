/** What each act is called, before and while it lasts, and what to look at. */

import { language, type Language } from "../i18n";

export interface ActWords {
  readonly begin: string;
  /** Of an act that lasts: how it ends. */
  readonly end: string;
  /** What to look at once it has begun. */
  readonly begun: string;
  readonly ended: string;
}

interface DemoWords {
  readonly title: string;
  readonly lead: string;
  readonly failed: string;
  readonly acts: Readonly<Record<string, ActWords>>;
  readonly inbox: InboxWords;
}

interface InboxWords {
  readonly title: string;
  readonly lead: string;
  /** With {email}. */
  readonly address: string;
  /** With {email}. */
  readonly list: string;
  readonly none: string;
  readonly noneLead: string;
  readonly station: string;
  readonly settings: string;
  readonly nowhere: string;
  readonly nowhereLead: string;
  readonly here: string;
}

const WORDS: Record<Language, DemoWords> = {
  en: {
    title: "Make something happen",
    lead: "One grid connection of 22 kW, two cars. Every button does the real thing to a running program.",
    failed: "The demo did not answer. Is it still running?",
    inbox: {
      title: "Inbox of this demo",
      lead: "The demo has a mail server of its own, on this machine only. Whatever address you give, what is sent to it ends up here and goes nowhere else.",
      address: "Sent to {email}.",
      list: "E-mails to {email}",
      none: "Nothing has been sent yet",
      noneLead:
        "A message comes when the grid slows your charge, when somebody stops it, and when it has finished. Dip the grid at the station, or stop a charge of yours.",
      station: "To the station",
      settings: "When to be told",
      nowhere: "You have not said where to write to you",
      nowhereLead: "For this demo an invented address will do. You can change it under “You”.",
      here: "Have my messages sent here",
    },
    acts: {
      "car-left": {
        begin: "Car on the left",
        end: "Left car leaves",
        begun: "A car plugs in on the left: it first asks, is checked, and then takes its share.",
        ended: "The left car stops and leaves. Its power goes to the other one, after it was measurably given up.",
      },
      "car-right": {
        begin: "Car on the right",
        end: "Right car leaves",
        begun: "A car plugs in on the right: it first asks, is checked, and then takes its share.",
        ended: "The right car stops and leaves. Its power goes to the other one, after it was measurably given up.",
      },
      "grid-dip": {
        begin: "Grid dip to 4.2 kW",
        end: "Grid recovers",
        begun: "The grid operator wrote 4.2 kW to a register. Both cars are told within a tenth of a second.",
        ended: "22 kW again. Power goes up on a ramp, never in a step.",
      },
      "price-curve": {
        begin: "Price curve",
        end: "No prices",
        begun:
          "Prices for a day, dear now and cheap later. The plan knows; a car that has no time is not made to wait.",
        ended: "The prices are gone.",
      },
      taper: {
        begin: "Right battery nearly full",
        end: "Right battery half full",
        begun: "The right car asks for less and less. The left one gets what it leaves.",
        ended: "The right car has room again, and both share.",
      },
      "cut-cable": {
        begin: "Cut the Modbus cable",
        end: "Mend the cable",
        begun:
          "The grid operator is silent. When its heartbeat has been missing for too long, the agreed failsafe holds.",
        ended: "The cable is whole. The failsafe ends with a heartbeat and a new limit.",
      },
      "kill-plan": {
        begin: "Kill the optimiser",
        end: "",
        begun: "The optimiser is gone. Nothing about safety rested on it; it is started again in a moment.",
        ended: "",
      },
      "kill-manager": {
        begin: "Kill the energy manager",
        end: "Start the energy manager",
        begun: "The energy manager is dead. Its leases end within three seconds; the controller goes on with less.",
        ended: "The energy manager comes back, limited at first, then rising.",
      },
    },
  },
  fi: {
    title: "Pane tapahtumaan jotain",
    lead: "Yksi 22 kW:n verkkoliittymä, kaksi autoa. Jokainen painike tekee oikean teon käynnissä olevalle ohjelmalle.",
    failed: "Esittely ei vastannut. Onko se vielä käynnissä?",
    inbox: {
      title: "Esittelyn postilaatikko",
      lead: "Esittelyllä on oma postipalvelin, vain tällä koneella. Minkä osoitteen annatkin, siihen lähetetty posti päätyy tänne eikä mene muualle.",
      address: "Lähetetty osoitteeseen {email}.",
      list: "Viestit osoitteeseen {email}",
      none: "Mitään ei ole vielä lähetetty",
      noneLead:
        "Viesti tulee, kun verkko hidastaa latausta, kun joku keskeyttää sen ja kun se on valmis. Rajoita verkkoa aseman sivulla tai lopeta oma latauksesi.",
      station: "Asemalle",
      settings: "Milloin kerrotaan",
      nowhere: "Et ole kertonut, mihin sinulle kirjoitetaan",
      nowhereLead: "Esittelyyn riittää keksitty osoite. Voit vaihtaa sen kohdassa ”Sinä”.",
      here: "Lähetä viestini tänne",
    },
    acts: {
      "car-left": {
        begin: "Auto vasemmalle",
        end: "Vasen auto lähtee",
        begun: "Vasemmalle kytketään auto: se pyytää, se tarkastetaan, ja sitten se saa osansa.",
        ended: "Vasen auto lopettaa ja lähtee. Sen teho siirtyy toiselle, kun luopuminen on mitattu.",
      },
      "car-right": {
        begin: "Auto oikealle",
        end: "Oikea auto lähtee",
        begun: "Oikealle kytketään auto: se pyytää, se tarkastetaan, ja sitten se saa osansa.",
        ended: "Oikea auto lopettaa ja lähtee. Sen teho siirtyy toiselle, kun luopuminen on mitattu.",
      },
      "grid-dip": {
        begin: "Verkko rajoittaa 4,2 kW:iin",
        end: "Verkko palautuu",
        begun: "Verkkoyhtiö kirjoitti rekisteriin 4,2 kW. Kumpikin auto saa tiedon sekunnin kymmenesosassa.",
        ended: "Taas 22 kW. Teho nousee loivasti, ei koskaan hypäten.",
      },
      "price-curve": {
        begin: "Hintakäyrä",
        end: "Ei hintoja",
        begun: "Päivän hinnat: nyt kallista, myöhemmin halpaa. Suunnitelma tietää; kiireistä autoa ei odotuteta.",
        ended: "Hinnat poistuivat.",
      },
      taper: {
        begin: "Oikea akku melkein täynnä",
        end: "Oikea akku puolillaan",
        begun: "Oikea auto pyytää yhä vähemmän. Vasen saa sen, mitä jää.",
        ended: "Oikeassa autossa on taas tilaa, ja autot jakavat tehon.",
      },
      "cut-cable": {
        begin: "Katkaise Modbus-kaapeli",
        end: "Korjaa kaapeli",
        begun: "Verkkoyhtiö on vaiti. Kun sen elonmerkki on puuttunut liian kauan, sovittu varataso on voimassa.",
        ended: "Kaapeli on ehjä. Varataso päättyy elonmerkkiin ja uuteen rajaan.",
      },
      "kill-plan": {
        begin: "Tapa optimoija",
        end: "",
        begun: "Optimoija on poissa. Turvallisuus ei ollut sen varassa, ja se käynnistetään kohta uudelleen.",
        ended: "",
      },
      "kill-manager": {
        begin: "Tapa energianhallinta",
        end: "Käynnistä energianhallinta",
        begun:
          "Energianhallinta on kuollut. Sen luvat päättyvät kolmessa sekunnissa; ohjain jatkaa pienemmällä teholla.",
        ended: "Energianhallinta palaa, ensin rajoitettuna, sitten nousten.",
      },
    },
  },
};

export function words(): DemoWords {
  return WORDS[language.value];
}

/** The words of an act; a name that this page does not know speaks for itself. */
export function wordsOf(name: string): ActWords {
  return words().acts[name] ?? { begin: name, end: name, begun: "", ended: "" };
}
