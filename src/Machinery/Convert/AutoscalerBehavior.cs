using Hanbae.Api;
using Hanbae.Api.Autoscaling.V2;
using Hanbae.Api.Json;

namespace Hanbae.Machinery.Convert;

/// <summary>A scaling behaviour as text, for versions that have no field for it. The names are those of upstream's internal type, with capitals, since that is what upstream writes.</summary>
static class AutoscalerBehavior
{
    public static string Text(HorizontalPodAutoscalerBehavior behavior) =>
        JsonObject.Of(("ScaleUp", Rules(behavior.ScaleUp)), ("ScaleDown", Rules(behavior.ScaleDown))).ToString();

    static JsonValue Rules(HPAScalingRules? rules) => rules is null ? JsonNull.Instance : JsonObject.Of(
        ("StabilizationWindowSeconds", rules.StabilizationWindowSeconds is { } window ? window : JsonNull.Instance),
        ("SelectPolicy", rules.SelectPolicy is { } select ? select : JsonNull.Instance),
        ("Policies", rules.Policies.IsNil ? JsonNull.Instance
            : new JsonArray([.. rules.Policies.Select(p => (JsonValue)JsonObject.Of(("Type", p.Type), ("Value", p.Value), ("PeriodSeconds", p.PeriodSeconds)))])),
        ("Tolerance", rules.Tolerance is { } tolerance ? tolerance.ToString() : JsonNull.Instance));

    /// <summary>Null when the text is none.</summary>
    public static HorizontalPodAutoscalerBehavior? Parse(string text)
    {
        try
        {
            return JsonValue.Parse(text) is JsonObject o ? new() { ScaleUp = Rules(Member(o, "ScaleUp")), ScaleDown = Rules(Member(o, "ScaleDown")) } : null;
        }
        catch (Exception e) when (e is JsonSyntaxException or FormatException or OverflowException) { return null; }
    }

    static HPAScalingRules? Rules(JsonValue? value) => value is not JsonObject o ? null : new()
    {
        StabilizationWindowSeconds = Member(o, "StabilizationWindowSeconds") is JsonNumber window ? Number(window) : null,
        SelectPolicy = (Member(o, "SelectPolicy") as JsonString)?.Value,
        Policies = Member(o, "Policies") is not JsonArray policies ? default : policies.Items.OfType<JsonObject>().Select(p => new HPAScalingPolicy
        {
            Type = Member(p, "Type").Text(), Value = Member(p, "Value") is JsonNumber count ? Number(count) : 0,
            PeriodSeconds = Member(p, "PeriodSeconds") is JsonNumber period ? Number(period) : 0,
        }).ToSeq(),
        Tolerance = Member(o, "Tolerance") is JsonString tolerance && Quantity.TryParse(System.Text.Encoding.UTF8.GetBytes(tolerance.Value), out var quantity, out _) ? quantity : null,
    };

    static int Number(JsonNumber number) => int.Parse(number.ToString(), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Go does not mind capitals.</summary>
    static JsonValue? Member(JsonObject o, string name)
    {
        foreach (var member in o.Members) if (member.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) return member.Value;
        return null;
    }
}
