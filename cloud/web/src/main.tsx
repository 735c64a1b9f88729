import { render } from "preact";
import "./styles/index.css";
import { chooseAtStart } from "./i18n";
import { boot } from "./state/app";
import { App } from "./ui/App";

chooseAtStart();
boot();
render(<App />, document.getElementById("app")!);
