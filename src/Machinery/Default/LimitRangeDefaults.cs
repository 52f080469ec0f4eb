using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Machinery.Default;

/// <summary>Defaults of limit ranges: a maximum is also the default, a minimum the default request.</summary>
static class LimitRangeDefaults
{
    public static LimitRange LimitRange(LimitRange o) => o with { Spec = o.Spec with { Limits = o.Spec.Limits.Each(Item) } };

    static LimitRangeItem Item(LimitRangeItem item)
    {
        if (item.Type != "Container") return item;
        var limits = Fill(item.Default, item.Max);
        return item with { Default = limits, DefaultRequest = Fill(Fill(item.DefaultRequest, limits), item.Min) };
    }

    static Map<Quantity> Fill(Map<Quantity> into, Map<Quantity> from)
    {
        foreach (var (name, quantity) in from) if (!into.ContainsKey(name)) into = into.Set(name, quantity);
        return into;
    }
}
