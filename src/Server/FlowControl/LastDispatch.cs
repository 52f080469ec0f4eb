namespace Hanbae.Server.FlowControl;

/// <summary>How a level's queues stood, in its progress, when a request last left one of them.</summary>
/// <param name="Progress">The level's own.</param>
/// <param name="Start">When the request that left would have begun.</param>
/// <param name="Least">The same of the oldest request of the queue that is furthest behind.</param>
/// <param name="Most">And of the one that is furthest ahead.</param>
/// <param name="LeastDiscounted">Both without the work that is guessed to be under way from the queue.</param>
readonly record struct LastDispatch(double Progress, double Start, double Least, double Most, double LeastDiscounted, double MostDiscounted);
