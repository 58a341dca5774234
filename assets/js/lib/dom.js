/** Building DOM from text and nodes only: there is no other way to make markup in this client. */

/** @typedef {string | number | Node | null | undefined | false} Leaf */
/** @typedef {Leaf | readonly Leaf[] | readonly (Leaf | readonly Leaf[])[]} Child */
/** @typedef {Record<string, any> | null} Props */

/** Set as properties: as attributes they would only give the first value. */
const PROPERTIES = new Set([
  "value",
  "checked",
  "disabled",
  "selected",
  "hidden",
  "open",
  "readOnly",
  "indeterminate",
]);

const SPRITE = new URL("../../icons/sprite.svg", import.meta.url).href;

/**
 * An element. `class`, `on…` handlers, `dataset` and `style` objects, some properties, the rest attributes;
 * true is an empty attribute; false, null and undefined leave it out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) setProp(element, name, value);
  append(element, children);
  return element;
}

/** @param {HTMLElement} element @param {string} name @param {any} value */
function setProp(element, name, value) {
  if (name.startsWith("on") && typeof value === "function") {
    element.addEventListener(name.slice(2), value);
  } else if (name === "dataset") {
    Object.assign(element.dataset, value);
  } else if (name === "style") {
    for (const [key, text] of Object.entries(value)) element.style.setProperty(key, String(text));
  } else if (PROPERTIES.has(name)) {
    if (value !== undefined) /** @type {any} */ (element)[name] = value;
  } else if (value !== false && value != null) {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {Element} parent @param {any} child */
function append(parent, child) {
  if (Array.isArray(child)) child.forEach((each) => append(parent, each));
  else if (child instanceof Node) parent.append(child);
  else if (child !== null && child !== undefined && child !== false) parent.append(String(child));
}

/**
 * Puts these children in the place of all that is there.
 * @param {Element} parent
 * @param {...Child} children
 */
export function replace(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

/** @param {Element} element */
export function clear(element) {
  element.replaceChildren();
}

/**
 * A symbol of the sprite: decoration, so hidden from screen readers.
 * @param {string} name
 * @param {string} [className]
 * @returns {SVGSVGElement}
 */
export function icon(name, className = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", className ? `icon ${className}` : "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** @param {SVGSVGElement} svg @param {string} name */
export function setIcon(svg, name) {
  svg.firstElementChild?.setAttribute("href", `${SPRITE}#${name}`);
}

/**
 * A button that shows an icon only; its label is what screen readers say and what hovering shows.
 * @param {{icon: string, label: string, onclick?: (event: MouseEvent) => void, class?: string, keys?: string,
 *   type?: "button" | "submit"}} options
 */
export function iconButton({ icon: name, label, onclick, class: className = "", keys, type = "button" }) {
  return h(
    "button",
    {
      type,
      class: `icon-button ${className}`.trim(),
      "aria-label": label,
      title: keys ? `${label} (${keys})` : label,
      onclick,
    },
    icon(name),
  );
}

/**
 * @param {EventTarget} target
 * @param {string} type
 * @param {(event: any) => void} handler
 * @param {AddEventListenerOptions} [options]
 * @returns {() => void}
 */
export function on(target, type, handler, options) {
  target.addEventListener(type, handler, options);
  return () => target.removeEventListener(type, handler, options);
}
