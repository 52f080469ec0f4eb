namespace Hanbae.Server.FlowControl;

/// <summary>What a level could use, and between which bounds it may be given.</summary>
readonly record struct Claim(double Target, double AtLeast, double AtMost);

/// <summary>Divides the server's seats anew among its levels by what they could use, so that seats that a level does not need are lent (KEP-1040).</summary>
static class Borrowing
{
    const double LeastTarget = 0.001;

    /// <summary>Every level gets the same proportion of what it could use, except where a bound keeps it from that; all together get exactly <paramref name="seats"/>.</summary>
    /// <returns>The parts in the order of the claims, and the proportion; null when the bounds leave no such division.</returns>
    public static (double[] Parts, double Proportion)? Divide(int seats, ReadOnlySpan<Claim> claims)
    {
        double low = 0, high = 0;
        foreach (var claim in claims)
        {
            if (claim.AtLeast < 0 || claim.AtMost < claim.AtLeast) return null;
            low += claim.AtLeast;
            high += claim.AtMost;
        }
        if (seats < low - 1e-7 || seats > high + 1e-7) return null;
        // What all get together grows with the proportion, in straight lines between the points where a level leaves or meets a bound.
        var points = new List<double>(2 * claims.Length);
        foreach (var claim in claims)
        {
            points.Add(claim.AtLeast / Target(claim));
            points.Add(claim.AtMost / Target(claim));
        }
        points.Sort();
        double below = 0, before = low;
        foreach (double point in points)
        {
            double sum = Sum(claims, point);
            if (sum >= seats)
            {
                double proportion = sum - before > 1e-12 ? below + (point - below) * (seats - before) / (sum - before) : point;
                return (Parts(claims, proportion), proportion);
            }
            (below, before) = (point, sum);
        }
        return (Parts(claims, below), below);
    }

    static double Target(Claim claim) => Math.Max(claim.Target, LeastTarget);

    static double Part(Claim claim, double proportion) => Math.Clamp(Target(claim) * proportion, claim.AtLeast, claim.AtMost);

    static double Sum(ReadOnlySpan<Claim> claims, double proportion)
    {
        double sum = 0;
        foreach (var claim in claims) sum += Part(claim, proportion);
        return sum;
    }

    static double[] Parts(ReadOnlySpan<Claim> claims, double proportion)
    {
        var parts = new double[claims.Length];
        for (int i = 0; i < parts.Length; i++) parts[i] = Part(claims[i], proportion);
        return parts;
    }
}
