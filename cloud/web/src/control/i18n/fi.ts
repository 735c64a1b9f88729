import { fiPeople } from "./people.fi";
import { fiStations } from "./stations.fi";

/** Every word of the control room. */
export const fi = { ...fiStations, ...fiPeople };
