using Hanbae.Api;

namespace Hanbae.Machinery.Quota;

/// <summary>Arithmetic on amounts by name, as quotas and requests of Pods need it.</summary>
public static class Amounts
{
    public static readonly Quantity One = new(1);

    extension(Map<Quantity> a)
    {
        public Map<Quantity> Plus(Map<Quantity> b)
        {
            foreach (var (name, value) in b) a = a.Set(name, a[name] + value);
            return a;
        }

        /// <summary>What <paramref name="a"/> has more than <paramref name="b"/>; nothing is below zero.</summary>
        public Map<Quantity> Beyond(Map<Quantity> b)
        {
            var result = default(Map<Quantity>);
            foreach (var (name, value) in a)
                if (value - b[name] is { Sign: > 0 } more) result = result.Set(name, more);
            return result;
        }

        /// <summary>The larger amount of each name.</summary>
        public Map<Quantity> Larger(Map<Quantity> b)
        {
            foreach (var (name, value) in b)
                if (!a.TryGet(name, out var other) || other < value) a = a.Set(name, value);
            return a;
        }

        public Map<Quantity> Only(Func<string, bool> names)
        {
            foreach (var (name, _) in a)
                if (!names(name)) return a.Where(p => names(p.Key)).ToMap();
            return a;
        }

        /// <summary>As messages have it: <c>cpu=1,memory=1Gi</c>.</summary>
        public string Listed => string.Join(",", a.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"));
    }
}
