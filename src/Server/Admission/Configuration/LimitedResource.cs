using Hanbae.Api.Core.V1;
using Hanbae.Server.ConfigFiles;

namespace Hanbae.Server.Admission.Configuration;

/// <summary>What may only be used where a quota says so.</summary>
/// <param name="Contains">Of the names by which a quota could limit it, any that contains one of these.</param>
/// <param name="Scopes">Or whatever matches one of these scopes.</param>
public sealed record LimitedResource(string Group, string Resource, IReadOnlyList<string> Contains, IReadOnlyList<ScopedResourceSelectorRequirement> Scopes)
{
    internal static LimitedResource Of(ConfigNode config) => new(config.Text("apiGroup"), config.Text("resource"), config.Texts("matchContains"),
        [.. config.Objects("matchScopes").Select(s => new ScopedResourceSelectorRequirement
        {
            ScopeName = s.Text("scopeName"), Operator = s.Text("operator"), Values = [.. s.Texts("values")],
        })]);
}
