"use strict";
// Draws the charts whose options the server wrote as JSON beside them. Options hold names of colours, never code.

const COLOUR = /^var\((--[a-z-]+)\)$/;

function themed(value, styles) {
  if (typeof value === "string") {
    const name = value.match(COLOUR);
    if (name) return styles.getPropertyValue(name[1]).trim();
    return value === "inherit" ? styles.fontFamily : value;
  }
  if (Array.isArray(value)) return value.map((item) => themed(item, styles));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, styles)]));
  }
  return value;
}

function draw(place) {
  const options = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  const chart = echarts.getInstanceByDom(place) || echarts.init(place, null, { renderer: "svg" });
  const shown = themed(options, getComputedStyle(document.body));
  if (place.clientWidth < 480) {
    // A narrow screen has no room for a margin with names.
    shown.grid = { ...shown.grid, left: Math.min(shown.grid.left, 118), right: Math.min(shown.grid.right, 46) };
    for (const axis of [shown.xAxis, shown.yAxis]) {
      if (axis.axisLabel.width) axis.axisLabel = { ...axis.axisLabel, width: 108 };
    }
    if (shown.xAxis.type === "time") shown.xAxis = { ...shown.xAxis, splitNumber: 3 };
    for (const series of shown.series) if (series.markArea) series.markArea.label = { show: false };
  }
  chart.setOption(shown, true);
  // The place has its own description; what the library writes on it would be read twice.
  place.querySelector("svg")?.setAttribute("aria-hidden", "true");
  place.dataset.drawn = "yes";
}

function drawAll() {
  for (const place of document.querySelectorAll("[data-chart]")) draw(place);
}

drawAll();
document.addEventListener("themechange", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let waiting = 0;
window.addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    for (const place of document.querySelectorAll("[data-chart]")) echarts.getInstanceByDom(place)?.resize();
    drawAll();
  }, 100);
});
