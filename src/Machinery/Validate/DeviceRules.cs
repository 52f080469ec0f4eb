using Hanbae.Api;
using Hanbae.Api.Resource.V1;
using DeviceTaintRule = Hanbae.Api.Resource.V1beta2.DeviceTaintRule;

namespace Hanbae.Machinery.Validate;

/// <summary>Devices (KEP-4381): classes of them, claims to them, and what drivers say there is; what selectors' expressions mean is looked at elsewhere.</summary>
static class DeviceRules
{
    const int LongestDriver = 63, MostRequests = 32, MostSelectors = 32, MostSubRequests = 8, MostDevices = 128, MostReserved = 256, LongestPool = 253, MostConfigs = 32, LongestParameters = 10 * 1024;
    const int MostConditions = 8, LongestInterface = 256, LongestHardwareAddress = 128, MostAddresses = 16;

    public static void Check(DeviceClass o, Errors errors)
    {
        Selectors(FieldPath.Spec["selectors"], o.Spec.Selectors, errors);
        if (o.Spec.Config.Count > MostConfigs) errors.TooMany(FieldPath.Spec["config"], o.Spec.Config.Count, MostConfigs);
        if (o.Spec.ExtendedResourceName is { } resource && !ResourceRules.IsExtended(resource)) errors.Invalid(FieldPath.Spec["extendedResourceName"], resource, "must be a valid extended resource name");
        for (int i = 0; i < o.Spec.Config.Count; i++) Opaque(FieldPath.Spec["config"][i], o.Spec.Config[i].Opaque, errors);
    }

    public static void Check(ResourceClaim o, Errors errors) => Claim(FieldPath.Spec["devices"], o.Spec.Devices, errors);

    /// <summary>What cannot change was looked at when it came.</summary>
    public static void Update(ResourceClaim o, ResourceClaim old, Errors errors) => errors.Unchanged(FieldPath.Spec, o.Spec, old.Spec, Shown.Message);

    public static void Part(ResourceClaim o, ResourceClaim old, string subresource, Errors errors)
    {
        if (subresource != "status") return;
        var (at, s) = (FieldPath.Of("status"), o.Status);
        if (s.ReservedFor.Count > MostReserved) errors.TooMany(at["reservedFor"], s.ReservedFor.Count, MostReserved);
        var users = new HashSet<string>();
        for (int i = 0; i < s.ReservedFor.Count; i++)
        {
            var (here, user) = (at["reservedFor"][i], s.ReservedFor[i]);
            if (user.Resource.Length == 0) errors.Required(here["resource"]);
            if (user.Name.Length == 0) errors.Required(here["name"]);
            if (user.Uid.Length == 0) errors.Required(here["uid"]);
            else if (!users.Add(user.Uid)) errors.Add(new(FieldErrorType.Duplicate, here.ToString(), Shown.Message(user), ""));
        }
        Devices(at["devices"], s, errors);
        // Who uses a claim may only change while it has what is used.
        if (s.Allocation is null && !s.ReservedFor.IsEmpty) errors.Forbidden(at["reservedFor"], "may not be specified when `allocated` is not set");
        if (o.Metadata.DeletionTimestamp is not null && s.ReservedFor.Any(user => !old.Status.ReservedFor.Exists(was => was.Uid == user.Uid)))
            errors.Forbidden(at["reservedFor"], "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set");
        if (old.Status.Allocation is not null && s.Allocation is not null) errors.Unchanged(at["allocation"], s.Allocation, old.Status.Allocation, Shown.Message);
        if (s.Allocation is { } allocation && old.Status.Allocation is null)
            for (int i = 0; i < allocation.Devices.Results.Count; i++)
            {
                var (here, result) = (at["allocation"]["devices"]["results"][i], allocation.Devices.Results[i]);
                Driver(here["driver"], result.Driver, errors);
                Pool(here["pool"], result.Pool, errors);
                if (result.Device.Length == 0) errors.Required(here["device"]);
                string request = result.Request.Split('/')[0];
                if (!o.Spec.Devices.Requests.Exists(r => r.Name == request))
                    errors.Invalid(here["request"], result.Request, "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'");
            }
    }

    /// <summary>What drivers tell of the devices that a claim has.</summary>
    static void Devices(FieldPath at, ResourceClaimStatus s, Errors errors)
    {
        var allocated = (s.Allocation?.Devices.Results ?? default).Select(r => (r.Driver, r.Pool, r.Device, r.ShareID)).ToHashSet();
        var told = new HashSet<(string, string, string, string?)>();
        for (int i = 0; i < s.Devices.Count; i++)
        {
            var (here, d) = (at[i], s.Devices[i]);
            Driver(here["driver"], d.Driver, errors);
            Pool(here["pool"], d.Pool, errors);
            Name(here["device"], d.Device, errors);
            var id = (d.Driver, d.Pool, d.Device, d.ShareID);
            string shown = $"{d.Driver}/{d.Pool}/{d.Device}{(d.ShareID is null ? "" : "/" + d.ShareID)}";
            if (!allocated.Contains(id)) errors.Invalid(here, shown, "must be an allocated device in the claim");
            if (d.Conditions.Count > MostConditions) errors.TooMany(here["conditions"], d.Conditions.Count, MostConditions);
            ConditionRules.Check(here["conditions"], d.Conditions, errors);
            if (!d.Data.IsNil && d.Data.ToString() is { Length: > 0 } json)
            {
                if (json.Length > LongestParameters) errors.TooLong(here["data"], LongestParameters);
                else if (!json.TrimStart().StartsWith('{')) errors.Invalid(here["data"], "<value omitted>", "must be a valid JSON object");
            }
            if (d.NetworkData is { } network) Network(here["networkData"], network, errors);
            if (!told.Add(id)) errors.Duplicate(here, shown);
        }
    }

    static void Network(FieldPath at, NetworkDeviceData data, Errors errors)
    {
        if (data.InterfaceName.Length > LongestInterface) errors.TooLong(at["interfaceName"], LongestInterface);
        if (data.HardwareAddress.Length > LongestHardwareAddress) errors.TooLong(at["hardwareAddress"], LongestHardwareAddress);
        if (data.Ips.Count > MostAddresses) { errors.TooMany(at["ips"], data.Ips.Count, MostAddresses); return; }
        var seen = new HashSet<string>();
        for (int i = 0; i < data.Ips.Count; i++)
        {
            if (!IpSyntax.IsNetwork(data.Ips[i])) errors.Invalid(at["ips"][i], data.Ips[i], "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)");
            if (!seen.Add(data.Ips[i])) errors.Duplicate(at["ips"][i], data.Ips[i]);
        }
    }

    public static void Check(DeviceTaintRule o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        if (s.DeviceSelector is { } selector)
        {
            var here = at["deviceSelector"];
            if (selector.Driver is { } driver) Driver(here["driver"], driver, errors);
            if (selector.Pool is { } pool) Pool(here["pool"], pool, errors);
            if (selector.Device is { } device) Name(here["device"], device, errors);
        }
        Taint(at["taint"], s.Taint.Key, s.Taint.Value, s.Taint.Effect, errors);
    }

    static void Taint(FieldPath at, string key, string value, string effect, Errors errors)
    {
        errors.Invalid(at["key"], key, LabelSyntax.KeyErrors(key));
        if (value.Length > 0) errors.Invalid(at["value"], value, LabelSyntax.ValueErrors(value));
        errors.RequiredOneOf(at["effect"], effect, "NoExecute", "NoSchedule", "None");
    }

    public static void Check(ResourceClaimTemplate o, Errors errors)
    {
        MetaRules.Template(FieldPath.Spec["metadata"], o.Spec.Metadata, errors);
        Claim(FieldPath.Spec["spec"]["devices"], o.Spec.Spec.Devices, errors);
    }

    public static void Update(ResourceClaimTemplate o, ResourceClaimTemplate old, Errors errors) => errors.Unchanged(FieldPath.Spec, o.Spec, old.Spec, Shown.Message);

    static void Claim(FieldPath at, DeviceClaim claim, Errors errors)
    {
        if (claim.Requests.Count > MostRequests) errors.TooMany(at["requests"], claim.Requests.Count, MostRequests);
        var names = new HashSet<string>();
        for (int i = 0; i < claim.Requests.Count; i++)
        {
            var (here, r) = (at["requests"][i], claim.Requests[i]);
            Name(here["name"], r.Name, errors);
            if (!names.Add(r.Name)) errors.Duplicate(here["name"], r.Name);
            if (r.Exactly is null && r.FirstAvailable.IsEmpty) errors.Required(here, "exactly one of `exactly` or `firstAvailable` is required");
            else if (r.Exactly is not null && !r.FirstAvailable.IsEmpty) errors.InvalidAs(here, Shown.Message(r), "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set");
            if (r.Exactly is { } e) Request(here["exactly"], e.DeviceClassName, e.Selectors, e.AllocationMode, e.Count, e.Tolerations, errors);
            if (r.FirstAvailable.Count > MostSubRequests) errors.TooMany(here["firstAvailable"], r.FirstAvailable.Count, MostSubRequests);
            var subs = new HashSet<string>();
            for (int j = 0; j < r.FirstAvailable.Count; j++)
            {
                var (sub, f) = (here["firstAvailable"][j], r.FirstAvailable[j]);
                Name(sub["name"], f.Name, errors);
                if (!subs.Add(f.Name)) errors.Duplicate(sub["name"], f.Name);
                names.Add(r.Name + "/" + f.Name);
                Request(sub, f.DeviceClassName, f.Selectors, f.AllocationMode, f.Count, f.Tolerations, errors);
            }
        }
        if (claim.Constraints.Count > MostConfigs) errors.TooMany(at["constraints"], claim.Constraints.Count, MostConfigs);
        if (claim.Config.Count > MostConfigs) errors.TooMany(at["config"], claim.Config.Count, MostConfigs);
        for (int i = 0; i < claim.Constraints.Count; i++)
        {
            var (here, c) = (at["constraints"][i], claim.Constraints[i]);
            Known(here["requests"], c.Requests, names, errors);
            if (c.MatchAttribute is { } match) DeviceNames.Full(here["matchAttribute"], match, errors);
            else if (c.DistinctAttribute is { } distinct) DeviceNames.Full(here["distinctAttribute"], distinct, errors);
            else errors.Required(here, "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set");
        }
        for (int i = 0; i < claim.Config.Count; i++)
        {
            Known(at["config"][i]["requests"], claim.Config[i].Requests, names, errors);
            Opaque(at["config"][i], claim.Config[i].Opaque, errors);
        }
    }

    static void Known(FieldPath at, Seq<string> requests, HashSet<string> names, Errors errors)
    {
        var seen = new HashSet<string>();
        for (int i = 0; i < requests.Count; i++)
            if (!seen.Add(requests[i])) errors.Duplicate(at[i], requests[i]);
            else if (!names.Contains(requests[i])) errors.Invalid(at[i], requests[i], "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'");
    }

    static void Request(FieldPath at, string deviceClass, Seq<DeviceSelector> selectors, string mode, long count, Seq<DeviceToleration> tolerations, Errors errors)
    {
        for (int i = 0; i < tolerations.Count; i++) DeviceNames.Toleration(at["tolerations"][i], tolerations[i], errors);
        if (deviceClass.Length == 0) errors.Required(at["deviceClassName"]);
        else errors.Invalid(at["deviceClassName"], deviceClass, Names.Subdomain(deviceClass));
        Selectors(at["selectors"], selectors, errors);
        switch (mode)
        {
            case "All":
                if (count != 0) errors.Invalid(at["count"], count, "must not be specified when allocationMode is 'All'");
                break;
            case "ExactCount":
                if (count <= 0) errors.Invalid(at["count"], count, "must be greater than zero");
                break;
            default: errors.OneOf(at["allocationMode"], mode, "All", "ExactCount"); break;
        }
    }

    static void Selectors(FieldPath at, Seq<DeviceSelector> selectors, Errors errors)
    {
        if (selectors.Count > MostSelectors) errors.TooMany(at, selectors.Count, MostSelectors);
        for (int i = 0; i < selectors.Count; i++)
            if (selectors[i].Cel is not { } cel) errors.Required(at[i]["cel"]);
            else if (cel.Expression.Length == 0) errors.Required(at[i]["cel"]["expression"]);
    }

    static void Opaque(FieldPath at, OpaqueDeviceConfiguration? opaque, Errors errors)
    {
        if (opaque is null) { errors.Required(at["opaque"]); return; }
        Driver(at["opaque"]["driver"], opaque.Driver, errors);
        if (opaque.Parameters == default) { errors.Required(at["opaque"]["parameters"]); return; }
        string parameters = opaque.Parameters.ToString();
        if (parameters.Length > LongestParameters) errors.TooLong(at["opaque"]["parameters"], LongestParameters);
        else if (!parameters.TrimStart().StartsWith('{')) errors.Invalid(at["opaque"]["parameters"], "<value omitted>", "must be a valid JSON object");
    }

    static void Name(FieldPath at, string name, Errors errors)
    {
        if (name.Length == 0) errors.Required(at);
        else errors.Invalid(at, name, Names.Label(name));
    }

    static void Driver(FieldPath at, string name, Errors errors)
    {
        if (name.Length == 0) { errors.Required(at); return; }
        if (name.Length > LongestDriver) errors.TooLong(at, LongestDriver);
        errors.Invalid(at, name, Names.Subdomain(name.ToLowerInvariant()));
    }

    static void Pool(FieldPath at, string name, Errors errors)
    {
        if (name.Length == 0) { errors.Required(at); return; }
        if (name.Length > LongestPool) errors.TooLong(at, LongestPool);
        foreach (string part in name.Split('/')) errors.Invalid(at, part, Names.Subdomain(part));
    }

    public static void Check(ResourceSlice o, Errors errors)
    {
        var (at, s) = (FieldPath.Spec, o.Spec);
        Driver(at["driver"], s.Driver, errors);
        Pool(at["pool"]["name"], s.Pool.Name, errors);
        if (s.Pool.ResourceSliceCount <= 0) errors.Invalid(at["pool"]["resourceSliceCount"], s.Pool.ResourceSliceCount, "must be greater than zero");
        if (s.Pool.Generation < 0) errors.Invalid(at["pool"]["generation"], s.Pool.Generation, "must be greater than or equal to zero");
        var chosen = new List<string>();
        if (s.NodeName is { } node)
        {
            if (node.Length > 0) chosen.Add("`nodeName`");
            if (node.Length == 0) errors.Invalid(at["nodeName"], node, "must be either unset or set to a non-empty string");
            else errors.Invalid(at["nodeName"], node, Names.Subdomain(node));
        }
        if (s.NodeSelector is { } selector)
        {
            chosen.Add("`nodeSelector`");
            SchedulingRules.NodeSelector(at["nodeSelector"], selector, errors);
            if (selector.NodeSelectorTerms.Count != 1) errors.InvalidAs(at["nodeSelector"]["nodeSelectorTerms"], Shown.Messages(selector.NodeSelectorTerms), "must have exactly one node selector term");
        }
        foreach (var (name, value) in (ReadOnlySpan<(string, bool?)>)[("allNodes", s.AllNodes), ("perDeviceNodeSelection", s.PerDeviceNodeSelection)])
            if (value == true) chosen.Add($"`{name}`");
            else if (value == false) errors.InvalidAs(at[name], "false", "must be either unset or set to true");
        const string one = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
        if (chosen.Count == 0) errors.Required(at, one);
        else if (chosen.Count > 1) errors.Invalid(at, $"{{{string.Join(", ", chosen)}}}", one + ", but multiple fields are set");
        if (!s.SharedCounters.IsNil && !s.Devices.IsNil) errors.Invalid(at, "", "only one of `sharedCounters` or `devices` is allowed");
        if (s.Devices.Count > MostDevices) errors.TooMany(at["devices"], s.Devices.Count, MostDevices);
        var names = new HashSet<string>();
        for (int i = 0; i < s.Devices.Count; i++)
        {
            var (here, device) = (at["devices"][i], s.Devices[i]);
            Name(here["name"], device.Name, errors);
            if (!names.Add(device.Name)) errors.Duplicate(here["name"], device.Name);
            int both = device.Attributes.Count + device.Capacity.Count;
            if (both > MostReserved / 8) errors.Invalid(here, both, $"the total number of attributes and capacities must not exceed {MostReserved / 8}");
            foreach (var (name, value) in device.Attributes)
            {
                int kinds = (value.Int is not null ? 1 : 0) + (value.Bool is not null ? 1 : 0) + (value.String is not null ? 1 : 0) + (value.Version is not null ? 1 : 0)
                    + (value.Ints.IsEmpty ? 0 : 1) + (value.Bools.IsEmpty ? 0 : 1) + (value.Strings.IsEmpty ? 0 : 1) + (value.Versions.IsEmpty ? 0 : 1);
                DeviceNames.Qualified(here["attributes"].Key(name), name, errors);
                DeviceNames.Value(here["attributes"].Key(name), value, errors);
                if (kinds == 0) errors.Required(here["attributes"].Key(name), "exactly one value must be specified");
                else if (kinds > 1) errors.InvalidAs(here["attributes"].Key(name), Shown.Message(value), "exactly one value must be specified");
            }
            foreach (var (name, _) in device.Capacity) DeviceNames.Qualified(here["capacity"].Key(name), name, errors);
            for (int j = 0; j < device.Taints.Count; j++)
            {
                var taint = device.Taints[j];
                Taint(here["taints"][j], taint.Key, taint.Value, taint.Effect, errors);
            }
        }
    }

    public static void Update(ResourceSlice o, ResourceSlice old, Errors errors)
    {
        Check(o, errors);
        errors.Unchanged(FieldPath.Spec["driver"], o.Spec.Driver, old.Spec.Driver);
        errors.Unchanged(FieldPath.Spec["nodeName"], o.Spec.NodeName, old.Spec.NodeName, n => n is null ? "null" : FieldError.Quoted(n));
        errors.Unchanged(FieldPath.Spec["pool"]["name"], o.Spec.Pool.Name, old.Spec.Pool.Name);
    }
}
