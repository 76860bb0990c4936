/** Names of time zones, and how far each is from UTC now. */
export function zoneChoices(now = Date.now()): { value: string; label: string }[] {
  const names = ["UTC", ...Intl.supportedValuesOf("timeZone")];
  return [...new Set(names)].map((value) => ({ value, label: `${value} (${offset(value, now)})` }));
}

export function offset(zone: string, now: number): string {
  try {
    const part = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(now).find((each) => each.type === "timeZoneName");
    return (part?.value ?? "").replace("GMT", "UTC");
  } catch {
    return zone;
  }
}
