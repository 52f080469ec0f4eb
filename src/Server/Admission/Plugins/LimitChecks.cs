using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Server.Admission.Plugins;

/// <summary>Says in upstream's words what of an object is outside a range.</summary>
static class LimitChecks
{
    public static List<string> Of(Pod pod, LimitRange range)
    {
        var errors = new List<string>();
        foreach (var item in range.Spec.Limits)
            switch (item.Type)
            {
                case "Container":
                    foreach (var c in pod.Spec.Containers) Check(errors, item, c.Resources.Requests, c.Resources.Limits);
                    foreach (var c in pod.Spec.InitContainers) Check(errors, item, c.Resources.Requests, c.Resources.Limits);
                    break;
                case "Pod":
                    Check(errors, item, Sum(pod, r => r.Requests), Sum(pod, r => r.Limits));
                    break;
            }
        return errors;
    }

    public static List<string> Of(PersistentVolumeClaim claim, LimitRange range)
    {
        var errors = new List<string>();
        var requests = claim.Spec.Resources.Requests;
        foreach (var item in range.Spec.Limits)
        {
            if (item.Type != "PersistentVolumeClaim") continue;
            foreach (var (name, min) in item.Min) Min(errors, item.Type, name, min, requests, default);
            // A claim has no limits: its request is what must not be larger.
            foreach (var (name, max) in item.Max)
                if (!requests.TryGet(name, out var request)) errors.Add($"maximum {name} usage per {item.Type} is {max}.  No request is specified");
                else if (request > max) errors.Add($"maximum {name} usage per {item.Type} is {max}, but request is {request}");
        }
        return errors;
    }

    /// <summary>Containers run together, init containers one after the other but for those that stay (KEP-753).</summary>
    static Map<Quantity> Sum(Pod pod, Func<ResourceRequirements, Map<Quantity>> part)
    {
        var total = Map.Of<Quantity>();
        foreach (var c in pod.Spec.Containers) total = Add(total, part(c.Resources));
        var (sidecars, largest) = (Map.Of<Quantity>(), Map.Of<Quantity>());
        foreach (var c in pod.Spec.InitContainers)
        {
            var mine = part(c.Resources);
            if (c.RestartPolicy == "Always")
            {
                sidecars = Add(sidecars, mine);
                total = Add(total, mine);
                mine = sidecars;
            }
            else mine = Add(mine, sidecars);
            largest = Max(largest, mine);
        }
        total = Max(total, largest);
        // What is asked for the Pod as a whole stands for the sum (KEP-2837).
        return pod.Spec.Resources is { } whole ? total.With(part(whole)) : total;
    }

    static Map<Quantity> Add(Map<Quantity> a, Map<Quantity> b)
    {
        foreach (var (name, value) in b) a = a.Set(name, a[name] + value);
        return a;
    }

    static Map<Quantity> Max(Map<Quantity> a, Map<Quantity> b)
    {
        foreach (var (name, value) in b)
            if (!a.TryGet(name, out var other) || other < value) a = a.Set(name, value);
        return a;
    }

    static void Check(List<string> errors, LimitRangeItem item, Map<Quantity> requests, Map<Quantity> limits)
    {
        foreach (var (name, min) in item.Min) Min(errors, item.Type, name, min, requests, limits);
        foreach (var (name, max) in item.Max)
        {
            if (!limits.TryGet(name, out var limit)) errors.Add($"maximum {name} usage per {item.Type} is {max}.  No limit is specified");
            else if (limit > max) errors.Add($"maximum {name} usage per {item.Type} is {max}, but limit is {limit}");
            else if (requests.TryGet(name, out var request) && request > max) errors.Add($"maximum {name} usage per {item.Type} is {max}, but request is {request}");
        }
        foreach (var (name, ratio) in item.MaxLimitRequestRatio)
        {
            string rule = $"{name} max limit to request ratio per {item.Type} is {ratio}, but ";
            if (!requests.TryGet(name, out var request) || request.IsZero) errors.Add(rule + "no request is specified or request is 0");
            else if (!limits.TryGet(name, out var limit) || limit.IsZero) errors.Add(rule + "no limit is specified or limit is 0");
            else if (limit.ToDouble() / request.ToDouble() is var provided && provided > ratio.ToDouble())
                errors.Add(rule + "provided ratio is " + provided.ToString("F6", CultureInfo.InvariantCulture));
        }
    }

    static void Min(List<string> errors, string type, string name, Quantity min, Map<Quantity> requests, Map<Quantity> limits)
    {
        if (!requests.TryGet(name, out var request)) errors.Add($"minimum {name} usage per {type} is {min}.  No request is specified");
        else if (request < min) errors.Add($"minimum {name} usage per {type} is {min}, but request is {request}");
        else if (limits.TryGet(name, out var limit) && limit < min) errors.Add($"minimum {name} usage per {type} is {min}, but limit is {limit}");
    }
}
