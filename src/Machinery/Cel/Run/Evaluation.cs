namespace Hanbae.Machinery.Cel.Run;

/// <summary>One run of a program: its variables, what it has cost so far and what ends it early.</summary>
sealed class Evaluation(CelActivation activation, int slots, ulong limit, CancellationToken ct)
{
    const int CheckEvery = 256;
    int _steps;

    public CelValue[] Locals { get; } = slots == 0 ? [] : new CelValue[slots];
    public ulong Cost { get; private set; }
    public CancellationToken Cancellation => ct;

    public CelValue? Variable(string name) => activation.Find(name);

    /// <exception cref="BudgetExceeded">It has cost more than it may.</exception>
    /// <exception cref="OperationCanceledException"/>
    public void Charge(ulong cost)
    {
        Cost = Cost + cost < Cost ? ulong.MaxValue : Cost + cost;
        if (Cost > limit) throw new BudgetExceeded();
        if (++_steps % CheckEvery == 0) ct.ThrowIfCancellationRequested();
    }
}

/// <summary>Unwinds an evaluation that has cost too much.</summary>
sealed class BudgetExceeded : Exception;
