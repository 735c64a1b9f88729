import { enPeople } from "./people.en";
import { enStations } from "./stations.en";

/** Every word of the control room. */
export const en = { ...enStations, ...enPeople };
