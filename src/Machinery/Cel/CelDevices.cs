using Hanbae.Api;
using Hanbae.Api.Resource.V1;
using Hanbae.Machinery.Cel.Functions;

namespace Hanbae.Machinery.Cel;

/// <summary>What selectors of devices see (KEP-4381): <c>device.driver</c>, <c>device.attributes["domain"].name</c>, <c>device.capacity["domain"].name</c>.</summary>
public static class CelDevices
{
    static readonly CelType s_device = CelType.Object("kubernetes.DRADevice", new Dictionary<string, CelType>
    {
        ["driver"] = CelType.String,
        ["attributes"] = CelType.Map(CelType.String, CelType.Map(CelType.String, CelType.Dyn)),
        ["capacity"] = CelType.Map(CelType.String, CelType.Map(CelType.String, Quantities.Type)),
        ["allowMultipleAllocations"] = CelType.Bool,
    });

    public static CelEnvironment Environment { get; } = CelEnvironment.Of(CelLibraries.Devices).WithVariable("device", s_device);

    /// <summary>A device of a driver, for any number of selectors.</summary>
    public static CelActivation Of(string driver, Device device) => new(("device", new CelObject(s_device, new Dictionary<string, CelValue>
    {
        ["driver"] = driver,
        ["attributes"] = new Domains(Sorted(driver, device.Attributes, Value)),
        ["capacity"] = new Domains(Sorted(driver, device.Capacity, c => new Quantities.Value(c.Value))),
        ["allowMultipleAllocations"] = device.AllowMultipleAllocations == true,
    })));

    static Dictionary<string, CelMap> Sorted<T>(string driver, Map<T> named, Func<T, CelValue?> value)
    {
        var domains = new Dictionary<string, List<(CelValue, CelValue)>>(StringComparer.Ordinal);
        foreach (var (name, one) in named)
        {
            if (value(one) is not { } v) continue;
            int slash = name.IndexOf('/');
            string domain = slash < 0 ? driver : name[..slash];
            if (!domains.TryGetValue(domain, out var entries)) domains[domain] = entries = [];
            entries.Add((name[(slash + 1)..], v));
        }
        return domains.ToDictionary(d => d.Key, d => CelMap.Of([.. d.Value]), StringComparer.Ordinal);
    }

    static CelValue? Value(DeviceAttribute a) =>
        a.Int is { } i ? i : a.Bool is { } b ? b : a.String is { } s ? s : a.Version is { } v ? Version(v)
        : !a.Ints.IsEmpty ? List(a.Ints, x => x) : !a.Bools.IsEmpty ? List(a.Bools, x => x) : !a.Strings.IsEmpty ? List(a.Strings, x => x) : !a.Versions.IsEmpty ? List(a.Versions, Version) : null;

    static CelItems List<T>(Seq<T> values, Func<T, CelValue> of) => new([.. values.Select(of)], values.Count);

    static CelValue Version(string text) => SemverFunctions.Parse(text, out string? error) is { } version ? version : new CelError(error!);

    /// <summary>By domain; one that the device has nothing of is empty rather than absent, so that an expression fails at the name, as upstream's.</summary>
    sealed class Domains(Dictionary<string, CelMap> domains) : CelMap
    {
        public override int Count => domains.Count;
        public override CelValue? Find(CelValue key) => key is CelString { Value: var name } ? domains.GetValueOrDefault(name, Empty) : null;
        public override IEnumerable<CelValue> Keys => domains.Keys.Select(k => (CelValue)new CelString(k));
    }
}
