using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;

namespace Hanbae.Server.Admission.Configuration;

/// <summary>What may only be used where a quota says so.</summary>
/// <param name="Contains">Of the names by which a quota could limit it, any that contains one of these.</param>
/// <param name="Scopes">Or whatever matches one of these scopes.</param>
public sealed record LimitedResource(string Group, string Resource, IReadOnlyList<string> Contains, IReadOnlyList<ScopedResourceSelectorRequirement> Scopes)
{
    internal static LimitedResource Of(JsonObject config) => new(ConfigValue.Text(config["apiGroup"]), ConfigValue.Text(config["resource"]), ConfigValue.Strings(config["matchContains"], "matchContains"),
        [.. ConfigValue.List(config["matchScopes"], "matchScopes").Select(s => new ScopedResourceSelectorRequirement
        {
            ScopeName = ConfigValue.Text(s["scopeName"]), Operator = ConfigValue.Text(s["operator"]), Values = ConfigValue.Strings(s["values"], "values"),
        })]);
}
