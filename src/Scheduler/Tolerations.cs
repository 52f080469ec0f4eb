using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Scheduler;

/// <summary>Whether a Pod puts up with a taint.</summary>
internal static class Tolerations
{
    public static bool Any(Seq<Toleration> tolerations, Taint taint)
    {
        foreach (var t in tolerations) if (Tolerates(t, taint)) return true;
        return false;
    }

    static bool Tolerates(Toleration t, Taint taint)
    {
        if (t.Effect.Length > 0 && t.Effect != taint.Effect) return false;
        if (t.Key.Length > 0 && t.Key != taint.Key) return false;
        return t.Operator switch
        {
            "" or "Equal" => t.Value == taint.Value,
            "Exists" => true,
            // KEP-5471: numeric comparison, false where either is no number.
            "Lt" => Numbers(t.Value, taint.Value, out long a, out long b) && b < a,
            "Gt" => Numbers(t.Value, taint.Value, out long a, out long b) && b > a,
            _ => false,
        };
    }

    static bool Numbers(string a, string b, out long x, out long y)
    {
        y = 0;
        return long.TryParse(a, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out x)
            && long.TryParse(b, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out y);
    }
}
