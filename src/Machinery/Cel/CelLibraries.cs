namespace Hanbae.Machinery.Cel;

/// <summary>What expressions may use beside CEL's own standard library.</summary>
[Flags]
public enum CelLibraries
{
    None = 0,
    /// <summary><c>optional.of</c>, <c>a.?b</c>, <c>optMap</c>.</summary>
    Optionals = 1 << 0,
    /// <summary><c>replace</c>, <c>split</c>, <c>format</c> and their like; cel-go's strings, version 2.</summary>
    Strings = 1 << 1,
    /// <summary><c>sets.contains</c>.</summary>
    Sets = 1 << 2,
    /// <summary><c>list.all(index, item, …)</c>, <c>transformMap</c>.</summary>
    TwoVariables = 1 << 3,
    /// <summary><c>distinct</c>, <c>flatten</c>, <c>slice</c>, <c>sortBy</c>; cel-go's lists, version 3.</summary>
    ExtendedLists = 1 << 4,
    /// <summary><c>cel.bind</c>; upstream has it for device selectors only.</summary>
    Bindings = 1 << 5,
    /// <summary><c>isSorted</c>, <c>sum</c>, <c>min</c>, <c>max</c>, <c>indexOf</c>.</summary>
    Lists = 1 << 6,
    /// <summary><c>find</c>, <c>findAll</c>.</summary>
    Regex = 1 << 7,
    Urls = 1 << 8,
    Quantity = 1 << 9,
    Ip = 1 << 10,
    Cidr = 1 << 11,
    /// <summary><c>format.dns1123Label().validate(…)</c>.</summary>
    Format = 1 << 12,
    Semver = 1 << 13,
    /// <summary><c>authorizer.group(…)</c>, with selectors.</summary>
    Authorizer = 1 << 14,
    /// <summary><c>jsonpatch.escapeKey</c>.</summary>
    JsonPatch = 1 << 15,
    /// <summary><c>x.includes(y)</c> of device attributes that are lists.</summary>
    Includes = 1 << 16,

    /// <summary>The environment that all of Kubernetes v1.36 shares.</summary>
    Kubernetes = Optionals | Strings | Sets | TwoVariables | ExtendedLists | Lists | Regex | Urls | Quantity | Ip | Cidr | Format | Semver | Authorizer,
    /// <summary>For MutatingAdmissionPolicies.</summary>
    Mutation = Kubernetes | JsonPatch,
    /// <summary>For selectors of devices.</summary>
    Devices = Kubernetes | Bindings | Includes,
}
