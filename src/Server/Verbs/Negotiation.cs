using System.Collections.Concurrent;
using System.Globalization;
using Hanbae.Server.Encode;
using Hanbae.Server.Errors;

namespace Hanbae.Server.Verbs;

/// <summary>Finds the encoding that a client likes best among those there are.</summary>
static class Negotiation
{
    const int MostRemembered = 256;
    static readonly ConcurrentDictionary<(string Accept, bool Shapes, bool Objects), Output?> s_seen = new();

    /// <param name="shapes">Whether objects may be answered as Table and as PartialObjectMetadata.</param>
    /// <param name="objects">Whether whole objects have a protobuf form; custom resources have none, their metadata has.</param>
    /// <param name="streams">A watch: one object after the other, which YAML is not made for.</param>
    /// <exception cref="StatusException">406.</exception>
    public static Output Of(RequestContext request, bool shapes, bool objects = true, bool streams = false)
    {
        string accept = request.Header("Accept");
        Output output;
        if (accept.Length == 0 || accept is "*/*" or MediaTypes.Json) output = Output.Json;
        else
        {
            if (!s_seen.TryGetValue((accept, shapes, objects), out var found))
            {
                found = Parse(accept, shapes, objects);
                if (s_seen.Count < MostRemembered) s_seen[(accept, shapes, objects)] = found;
            }
            output = found ?? throw Statuses.NotAcceptable(objects ? MediaTypes.Bodies : [MediaTypes.Json, MediaTypes.Yaml]);
            // As upstream: what comes first is meant, whatever else would do.
            if (streams && output.Format == Format.Yaml) throw Statuses.NotAcceptable(objects ? [Streamed(MediaTypes.Json), Streamed(MediaTypes.Protobuf)] : [Streamed(MediaTypes.Json)]);
        }
        if (output.Shape == Shape.Table && request.Parameter("includeObject") is { Length: > 0 } include)
        {
            if (include is not ("None" or "Metadata" or "Object"))
                throw Statuses.BadRequest($"Unable to convert to Table as requested: includeObject: Invalid value: {Machinery.Validate.FieldError.Quoted(include)}: must be 'Metadata', 'Object', 'None', or empty");
            output = output with { IncludeObject = include };
        }
        return IsPretty(request) && output.Format == Format.Json ? output with { Pretty = true } : output;
    }

    static string Streamed(string type) => type + ";stream=watch";

    /// <summary>As upstream: people with curl see it indented unless they say otherwise.</summary>
    static bool IsPretty(RequestContext request)
    {
        if (request.Parameter("pretty") is { } pretty) return RequestInfo.IsTrue(pretty);
        string agent = request.Header("User-Agent");
        return agent.StartsWith("curl", StringComparison.Ordinal) || agent.StartsWith("Wget", StringComparison.Ordinal) || agent.StartsWith("Mozilla/5.0", StringComparison.Ordinal);
    }

    static Output? Parse(string accept, bool shapes, bool objects)
    {
        var clauses = accept.Split(',').Select(c => c.Split(';', StringSplitOptions.TrimEntries)).Select(c => (Parts: c, Weight: Weight(c)));
        foreach (var (parts, weight) in clauses.OrderByDescending(c => c.Weight))
        {
            if (weight <= 0) continue;
            Format? format = parts[0].ToLowerInvariant() switch
            {
                MediaTypes.Json or "*/*" or "application/*" => Format.Json,
                MediaTypes.Protobuf => Format.Protobuf,
                MediaTypes.Yaml => Format.Yaml,
                _ => null,
            };
            if (format is null) continue;
            if (format == Format.Protobuf && parts.Contains("as=Table")) continue; // tables have no protobuf form
            var (shape, group, version) = (Shape.Full, "", "");
            bool known = true;
            foreach (string parameter in parts.AsSpan(1))
            {
                if (parameter.StartsWith("as=", StringComparison.Ordinal))
                    (shape, known) = parameter[3..] switch { "Table" => (Shape.Table, shapes), "PartialObjectMetadata" or "PartialObjectMetadataList" => (Shape.Metadata, shapes), _ => (Shape.Full, false) };
                else if (parameter.StartsWith("g=", StringComparison.Ordinal)) group = parameter[2..];
                else if (parameter.StartsWith("v=", StringComparison.Ordinal)) version = parameter[2..];
            }
            // A group or version of nothing in particular is none that there is.
            if (!known || (shape == Shape.Full ? (group + version).Length > 0 : group != "meta.k8s.io" || version is not ("v1" or "v1beta1"))) continue;
            if (format == Format.Protobuf && shape == Shape.Full && !objects) continue;
            return shape == Shape.Full ? new(format.Value) : new(format.Value, shape, MetaVersion: version);
        }
        return null;
    }

    static double Weight(string[] clause)
    {
        foreach (string part in clause.AsSpan(1))
            if (part.StartsWith("q=", StringComparison.Ordinal)) return double.TryParse(part.AsSpan(2), CultureInfo.InvariantCulture, out double q) ? q : 0;
        return 1;
    }
}
