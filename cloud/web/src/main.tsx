import { render } from "preact";
import "./styles/index.css";
import { chooseAtStart } from "./i18n";
import { boot } from "./state/app";
import { watchPaying } from "./state/paying";
import { registerWorker } from "./state/worker";
import { App } from "./ui/App";

chooseAtStart();
boot();
watchPaying();
registerWorker();
render(<App />, document.getElementById("app")!);
